// Whatever a client sends to the HTTP server, over a real connection: it is answered or closed, and the
// server goes on.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "daemon/net/http_server.hpp"

namespace {

using namespace qw;

Task<net::ServerReply> answer(net::ServerRequest request) {
  net::ServerReply reply;
  reply.body = std::make_shared<const std::string>(request.path + request.query + request.body);
  co_return reply;
}

struct Server {
  Server()
      : server(io.get_executor(), answer, net::HttpServer::Limits(),
               [](std::string_view, const std::string&) { std::abort(); }) {
    const auto bound = server.listen(net::HostPort{.host = "127.0.0.1", .port = 0});
    if (!bound) std::abort();
    port = bound->port;
  }
  asio::io_context io{1};
  net::HttpServer server;
  std::uint16_t port = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Server server;
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // Each connection keeps its port for a minute (TIME_WAIT), so a long run needs more than one address to
  // come from.
  // Runs that follow each other begin at different ones.
  static std::uint32_t connections = 0;
  static const std::uint32_t first = static_cast<std::uint32_t>(::getpid()) % 4096 * 16;
  constexpr std::uint32_t kPortsPerAddress = 20'000;
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + first + connections++ / kPortsPerAddress);
  const int choose_port_later = 1;
  ::setsockopt(client, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &choose_port_later, sizeof choose_port_later);
  if (::bind(client, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0) std::abort();
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(server.port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(client, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    std::perror("http_server_fuzz: connect");
    std::abort();
  }
  (void)::send(client, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  ::shutdown(client, SHUT_WR);
  server.io.poll();
  ::close(client);
  server.io.poll();
  if (server.server.stats().connections > 64) std::abort();
  return 0;
}
