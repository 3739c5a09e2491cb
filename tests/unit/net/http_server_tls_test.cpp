#include "daemon/net/http_server_tls.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

namespace qw::net {
namespace {

/// A certificate authority, another one, a server and clients, made once by the openssl program.
class Certificates {
 public:
  Certificates() {
    directory_ = std::filesystem::temp_directory_path() / ("qw-tls-" + std::to_string(::getpid()));
    std::filesystem::create_directories(directory_);
    make_ca("ca");
    make_ca("other-ca");
    make("server", "ca", "DNS:localhost,IP:127.0.0.1");
    make("client", "ca", "DNS:scraper.example,URI:spiffe://example/scraper,IP:10.1.2.3");
    make("stranger", "other-ca", "DNS:scraper.example");
  }
  ~Certificates() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  std::string file(const std::string& name) const { return (directory_ / name).string(); }

 private:
  void run(const std::string& arguments) {
    const auto command = "cd " + directory_.string() + " && openssl " + arguments + " >/dev/null 2>&1";
    EXPECT_EQ(std::system(command.c_str()), 0) << command;  // NOLINT(concurrency-mt-unsafe)
  }
  void make_ca(const std::string& name) {
    run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=" + name +
        " -keyout " + name + ".key -out " + name + ".crt");
  }
  void make(const std::string& name, const std::string& ca, const std::string& san) {
    run("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=" + name +
        " -addext subjectAltName=" + san + " -keyout " + name + ".key -out " + name + ".csr");
    run("x509 -req -days 2 -in " + name + ".csr -CA " + ca + ".crt -CAkey " + ca +
        ".key -CAcreateserial -copy_extensions copy -out " + name + ".crt");
  }
  std::filesystem::path directory_;
};

const Certificates& certificates() {
  static const Certificates kMade;
  return kMade;
}

HttpServer::Tls server_tls() {
  HttpServer::Tls tls;
  tls.cert_file = certificates().file("server.crt");
  tls.key_file = certificates().file("server.key");
  return tls;
}

HttpServer::Tls mutual_tls(std::string type = "RequireAndVerifyClientCert") {
  auto tls = server_tls();
  tls.client_ca_file = certificates().file("ca.crt");
  tls.client_auth_type = std::move(type);
  return tls;
}

class Running {
 public:
  explicit Running(const HttpServer::Tls& tls) : stoppers_(io_.get_executor(), report) {
    server_ = std::make_unique<HttpServer>(io_.get_executor(), answer, HttpServer::Limits(), report);
    auto set = server_->set_tls(tls);
    EXPECT_TRUE(set) << set.error().message();
    auto bound = server_->listen(HostPort{.host = "127.0.0.1", .port = 0});
    EXPECT_TRUE(bound);
    port = bound ? bound->port : std::uint16_t{0};
    thread_ = std::thread([this] { io_.run(); });
  }
  ~Running() {
    asio::post(io_, [this] {
      stoppers_.spawn("stop", server_->stop(std::chrono::steady_clock::now() + std::chrono::seconds(5)));
    });
    thread_.join();
  }
  void set_tls(const HttpServer::Tls& tls) {
    std::promise<bool> done;
    asio::post(io_, [&] { done.set_value(server_->set_tls(tls).has_value()); });
    EXPECT_TRUE(done.get_future().get());
  }
  std::uint16_t port = 0;

 private:
  static void report(std::string_view task, const std::string& what) {
    ADD_FAILURE() << task << ": " << what;
  }
  static Task<ServerReply> answer(ServerRequest request) {
    ServerReply reply;
    reply.body = std::make_shared<const std::string>(request.path == "/big" ? std::string(3 << 20, 'x')
                                                                            : "hello over TLS");
    co_return reply;
  }
  asio::io_context io_{1};
  async::TaskGroup stoppers_;
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

int connect_to(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{.tv_sec = 10, .tv_usec = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  return socket;
}

/// The whole answer over TLS, or "" when the handshake or the reading failed. `certificate`: "client" and so
/// on, or "".
std::string get(std::uint16_t port, const std::string& certificate = "", const std::string& path = "/",
                int newest = TLS1_3_VERSION) {
  const int socket = connect_to(port);
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_max_proto_version(context, newest);
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_load_verify_locations(context, certificates().file("ca.crt").c_str(), nullptr);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (!certificate.empty()) {
    EXPECT_EQ(SSL_CTX_use_certificate_chain_file(context, certificates().file(certificate + ".crt").c_str()),
              1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey_file(context, certificates().file(certificate + ".key").c_str(),
                                          SSL_FILETYPE_PEM),
              1);
  }
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, socket);
  std::string received;
  if (SSL_connect(ssl) == 1) {
    const auto request = "GET " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    SSL_write(ssl, request.data(), static_cast<int>(request.size()));
    char bytes[16384];
    for (int size = SSL_read(ssl, bytes, sizeof bytes); size > 0; size = SSL_read(ssl, bytes, sizeof bytes)) {
      received.append(bytes, static_cast<std::size_t>(size));
    }
    SSL_shutdown(ssl);
  }
  SSL_free(ssl);
  SSL_CTX_free(context);
  ::close(socket);
  return received;
}

bool served(const std::string& reply) {
  return reply.starts_with("HTTP/1.1 200 OK\r\n") && reply.ends_with("hello over TLS");
}

TEST(HttpServerTls, ServesSmallAndLargeReplies) {
  Running running(server_tls());
  EXPECT_TRUE(served(get(running.port)));
  const auto big = get(running.port, "", "/big");
  EXPECT_TRUE(big.ends_with(std::string(3 << 20, 'x'))) << big.size();
  EXPECT_TRUE(served(get(running.port, "", "/", TLS1_2_VERSION)));
}

TEST(HttpServerTls, RefusesOldVersionsAndThoseBelowTheConfiguredOne) {
  auto tls = server_tls();
  Running running(tls);
  EXPECT_EQ(get(running.port, "", "/", TLS1_1_VERSION), "");
  tls.min_version = "TLS13";
  running.set_tls(tls);
  EXPECT_EQ(get(running.port, "", "/", TLS1_2_VERSION), "");
  EXPECT_TRUE(served(get(running.port))) << "new connections have the new context";
}

TEST(HttpServerTls, PlainHttpIsToldSoAndClosed) {
  Running running(server_tls());
  const int socket = connect_to(running.port);
  constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  ASSERT_EQ(::send(socket, kRequest.data(), kRequest.size(), 0), ssize_t(kRequest.size()));
  std::string received;
  char bytes[4096];
  for (auto size = ::recv(socket, bytes, sizeof bytes, 0); size != 0;
       size = ::recv(socket, bytes, sizeof bytes, 0)) {
    ASSERT_GT(size, 0) << "closed cleanly, not reset";
    received.append(bytes, static_cast<std::size_t>(size));
  }
  ::close(socket);
  EXPECT_TRUE(received.starts_with("HTTP/1.0 400 ")) << received;
}

TEST(HttpServerTls, AsksForClientCertificatesAsTheTypeSays) {
  struct Case {
    const char* type;
    bool none, own, foreign;
  };
  for (const auto& c :
       {Case{"NoClientCert", true, true, true}, Case{"RequestClientCert", true, true, true},
        Case{"RequireAnyClientCert", false, true, true}, Case{"VerifyClientCertIfGiven", true, true, false},
        Case{"RequireAndVerifyClientCert", false, true, false}}) {
    auto tls = mutual_tls(c.type);
    if (tls.client_auth_type == "NoClientCert") tls.client_ca_file.clear();
    Running running(tls);
    for (const int newest : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      EXPECT_EQ(served(get(running.port, "", "/", newest)), c.none) << c.type;
      EXPECT_EQ(served(get(running.port, "client", "/", newest)), c.own) << c.type;
      EXPECT_EQ(served(get(running.port, "stranger", "/", newest)), c.foreign) << c.type;
    }
  }
}

TEST(HttpServerTls, LetsInOnlyTheAllowedNames) {
  struct Case {
    std::vector<std::string> allowed;
    bool served;
  };
  for (const auto& c :
       {Case{{"scraper.example"}, true}, Case{{"no", "spiffe://example/scraper"}, true},
        Case{{"10.1.2.3"}, true}, Case{{"example"}, false}, Case{{""}, false}, Case{{"client"}, false}}) {
    auto tls = mutual_tls();
    tls.client_allowed_sans = c.allowed;
    Running running(tls);
    EXPECT_EQ(served(get(running.port, "client")), c.served) << c.allowed.back();
    EXPECT_FALSE(served(get(running.port, "stranger"))) << c.allowed.back();
  }
}

TEST(HttpServerTls, RefusesWhatWouldNotProtect) {
  struct Case {
    std::function<void(HttpServer::Tls&)> change;
    const char* message;
  };
  const std::vector<Case> cases{
      {[](auto& tls) { tls.cert_file = "/no/such/file"; }, "cert_file /no/such/file: "},
      {[](auto& tls) { tls.key_file = "/no/such/file"; }, "key_file /no/such/file: "},
      {[](auto& tls) { tls.key_file = certificates().file("client.key"); }, "key_file "},
      {[](auto& tls) { tls.client_ca_file = "/no/such/file"; }, "client_ca_file: needs a client_auth_type"},
      {[](auto& tls) { tls.client_auth_type = "RequireAndVerifyClientCert"; },
       "client_auth_type: RequireAndVerifyClientCert needs client_ca_file"},
      {[](auto& tls) { tls.client_auth_type = "Sometimes"; }, "client_auth_type: unknown type 'Sometimes'"},
      {[](auto& tls) { tls.client_allowed_sans = {"a"}; }, "client_allowed_sans: needs"},
      {[](auto& tls) { tls.min_version = "TLS10"; }, "min_version: must be TLS12 or TLS13"},
      {[](auto& tls) { tls.min_version = "TLS13", tls.max_version = "TLS12"; }, "max_version: must be"},
  };
  for (const auto& c : cases) {
    auto tls = server_tls();
    c.change(tls);
    const auto made = make_server_context(tls);
    ASSERT_FALSE(made) << c.message;
    EXPECT_EQ(made.error().kind(), ErrorKind::config);
    EXPECT_TRUE(made.error().message().starts_with(c.message)) << made.error().message();
  }
  EXPECT_TRUE(make_server_context(server_tls()));
}

}  // namespace
}  // namespace qw::net
