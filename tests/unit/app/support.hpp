#pragma once
#include <signal.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

/// Runs the whole program in a child process, without a binary: what `quorumwatch ARGS` would do.
namespace qw::test {

/// A folder that goes with its contents.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  /// Writes the file and returns its path.
  std::string write(const std::string& name, const std::string& text) const;

 private:
  std::string path_;
};

class Child {
 public:
  explicit Child(std::vector<std::string> args);
  ~Child();  ///< kills what is left
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Reads standard output and error until `text` has come; false after `within`.
  bool wait_for(const std::string& text, std::chrono::milliseconds within = std::chrono::seconds(20));
  /// The exit code, or nothing after `within`; 128 + the signal when one ended it.
  std::optional<int> wait_exit(std::chrono::milliseconds within = std::chrono::seconds(20));
  void signal(int number) const { ::kill(pid_, number); }
  const std::string& output() const { return output_; }
  std::size_t count(const std::string& text) const;
  /// The address after "listening"; empty when there is none.
  std::string address();

 private:
  bool read_some(std::chrono::milliseconds within);
  int pid_ = -1;
  int pipe_ = -1;
  bool ended_ = false;
  std::string output_;
};

struct Reply {
  int status = 0;
  std::string body;
};
/// One blocking HTTP/1.1 exchange; status 0 when it failed.
Reply http(const std::string& address, const std::string& method, const std::string& path);

/// A TCP listener that accepts through the kernel's backlog and never says a word.
class MuteServer {
 public:
  MuteServer();
  ~MuteServer();
  MuteServer(const MuteServer&) = delete;
  MuteServer& operator=(const MuteServer&) = delete;
  int port() const { return port_; }

 private:
  int socket_ = -1;
  int port_ = 0;
};

/// A port of 127.0.0.1 that nobody listens on.
int closed_port();

}  // namespace qw::test
