#include "tests/unit/app/support.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "daemon/program.hpp"

namespace qw::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

sockaddr_in local(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

/// sockaddr_in as the sockets interface wants it.
const sockaddr* generic(const sockaddr_in& address) {
  return static_cast<const sockaddr*>(static_cast<const void*>(&address));
}
sockaddr* generic(sockaddr_in& address) {
  return static_cast<sockaddr*>(static_cast<void*>(&address));
}

int bound_port(int socket) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  getsockname(socket, generic(address), &size);
  return ntohs(address.sin_port);
}

}  // namespace

TempFolder::TempFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "quorumwatch-test-XXXXXX").string();
  path_ = mkdtemp(pattern.data());
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempFolder::write(const std::string& name, const std::string& text) const {
  const auto file = path_ + "/" + name;
  std::ofstream(file) << text;
  return file;
}

Child::Child(std::vector<std::string> args) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
  std::cout.flush();
  std::fflush(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    const std::vector<std::string_view> views(args.begin(), args.end());
    const int code = program(views);
    std::cout.flush();
    std::fflush(nullptr);
    _exit(code);
  }
  close(ends[1]);
  pipe_ = ends[0];
}

Child::~Child() {
  if (!ended_) {
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(pipe_);
}

bool Child::read_some(milliseconds within) {
  pollfd waiting{.fd = pipe_, .events = POLLIN, .revents = 0};
  if (poll(&waiting, 1, static_cast<int>(within.count())) <= 0) return false;
  char buffer[4096];
  const auto got = read(pipe_, buffer, sizeof(buffer));
  if (got <= 0) return false;
  output_.append(buffer, static_cast<std::size_t>(got));
  return true;
}

bool Child::wait_for(const std::string& text, milliseconds within) {
  const auto limit = steady_clock::now() + within;
  while (output_.find(text) == std::string::npos) {
    const auto left = std::chrono::duration_cast<milliseconds>(limit - steady_clock::now());
    if (left.count() <= 0) return false;
    if (!read_some(left)) return output_.find(text) != std::string::npos;
  }
  return true;
}

std::optional<int> Child::wait_exit(milliseconds within) {
  const auto limit = steady_clock::now() + within;
  while (steady_clock::now() < limit) {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      ended_ = true;
      while (read_some(milliseconds(0))) {
      }
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    if (!read_some(milliseconds(5))) usleep(2000);
  }
  return std::nullopt;
}

std::size_t Child::count(const std::string& text) const {
  std::size_t found = 0;
  for (auto at = output_.find(text); at != std::string::npos; at = output_.find(text, at + 1)) ++found;
  return found;
}

std::string Child::address() {
  if (!wait_for("started")) return "";
  const std::string key = "address=";
  const auto line = output_.find("listening");
  const auto at = line == std::string::npos ? line : output_.find(key, line);
  if (at == std::string::npos) return "";
  auto text = output_.substr(at + key.size(), output_.find_first_of(" \n", at) - at - key.size());
  std::erase(text, '"');
  return text;
}

Reply http(const std::string& address, const std::string& method, const std::string& path) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  const auto to = local(std::atoi(address.substr(address.rfind(':') + 1).c_str()));
  const timeval patience{.tv_sec = 20, .tv_usec = 0};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  Reply reply;
  if (connect(socket, generic(to), sizeof(to)) == 0) {
    const auto request =
        method + " " + path + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    std::string text;
    if (send(socket, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
      char buffer[65536];
      for (ssize_t got = 0; (got = recv(socket, buffer, sizeof(buffer), 0)) > 0;)
        text.append(buffer, static_cast<std::size_t>(got));
    }
    if (text.size() > 12) reply.status = std::atoi(text.c_str() + 9);
    if (const auto end = text.find("\r\n\r\n"); end != std::string::npos) reply.body = text.substr(end + 4);
  }
  close(socket);
  return reply;
}

MuteServer::MuteServer() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const auto any = local(0);
  if (bind(socket_, generic(any), sizeof(any)) != 0 || listen(socket_, 1024) != 0) std::abort();
  port_ = bound_port(socket_);
}

MuteServer::~MuteServer() {
  close(socket_);
}

int closed_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto any = local(0);
  if (bind(socket, generic(any), sizeof(any)) != 0) std::abort();
  const int port = bound_port(socket);
  close(socket);
  return port;
}

}  // namespace qw::test
