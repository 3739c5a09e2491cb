#include "daemon/service_manager.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "tests/unit/app/support.hpp"

namespace qw {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test::Child;
using testing::HasSubstr;
using testing::Not;

/// What systemd is to a service: a socket that takes datagrams.
class Manager {
 public:
  /// `name` as it stands in $NOTIFY_SOCKET.
  explicit Manager(const std::string& name) : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path, name.data(), name.size());
    if (name.front() == '@') at.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    if (bind(socket_, static_cast<const sockaddr*>(static_cast<const void*>(&at)), size) != 0) std::abort();
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~Manager() {
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    close(socket_);
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  /// The next datagram; empty when none came.
  std::string next(milliseconds within = seconds(20)) {
    pollfd waiting{.fd = socket_, .events = POLLIN, .revents = 0};
    if (poll(&waiting, 1, static_cast<int>(within.count())) <= 0) return "";
    char buffer[4096];
    const auto got = recv(socket_, buffer, sizeof(buffer), 0);
    return got <= 0 ? "" : std::string(buffer, static_cast<std::size_t>(got));
  }
  /// The next one that has this in it, and what came before it.
  std::string until(const std::string& text) {
    const auto limit = steady_clock::now() + seconds(20);
    while (steady_clock::now() < limit) {
      const auto message = next();
      before_ += message + "|";
      if (message.find(text) != std::string::npos) return message;
    }
    return "";
  }
  const std::string& before() const { return before_; }

 private:
  int socket_;
  std::string before_;
};

std::vector<std::string> run(const std::string& file) {
  return {"run", "--config.file=" + file, "--web.listen-address=127.0.0.1:0"};
}

TEST(ServiceManager, SaysReadyBeforeAnyTargetAnswersAndThenHowManyDo) {
  test::TempFolder folder;
  const test::MuteServer mute;
  Manager manager(folder.write("notify", "") + ".socket");
  Child daemon(run(folder.write("q.yml",
                                "targets:\n  - {system: host, name: here, interval: 500ms, timeout: 400ms}\n"
                                "  - {system: redis, name: mute, members: [\"127.0.0.1:" +
                                    std::to_string(mute.port()) + "\"]}\n")));
  const auto ready = manager.next();
  EXPECT_THAT(ready, HasSubstr("READY=1\nSTATUS=0 of 2 targets answer; alerts: 0 firing")) << daemon.output();
  EXPECT_THAT(manager.until("1 of 2 targets answer"), testing::StartsWith("STATUS=")) << manager.before();
  daemon.signal(SIGTERM);
  EXPECT_EQ(manager.until("STOPPING=1"), "STOPPING=1\nSTATUS=stopping") << manager.before();
  EXPECT_EQ(daemon.wait_exit(), 0) << daemon.output();
}

TEST(ServiceManager, FollowsAReloadAndSaysWhyABadOneWasNotTaken) {
  test::TempFolder folder;
  Manager manager("@quorumwatch-test-" + std::to_string(getpid()));
  const auto file = folder.write("q.yml", "targets: []\n");
  Child daemon(run(file));
  EXPECT_THAT(manager.next(), HasSubstr("READY=1")) << "over an abstract socket";
  folder.write("q.yml", "targes: []\n");
  daemon.signal(SIGHUP);
  EXPECT_THAT(manager.until("RELOADING=1"), HasSubstr("\nMONOTONIC_USEC="));
  EXPECT_THAT(manager.until("READY=1"), Not(testing::IsEmpty()));
  if (manager.before().find("not reloaded") == std::string::npos) manager.until("not reloaded");
  EXPECT_THAT(manager.before(), HasSubstr("targes")) << "what is wrong";
  folder.write("q.yml", "targets: []\n");
  daemon.signal(SIGHUP);
  EXPECT_THAT(manager.until("RELOADING=1"), Not(HasSubstr("not reloaded")));
  EXPECT_THAT(manager.until("STATUS="), Not(HasSubstr("not reloaded"))) << manager.before();
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.wait_exit(), 0) << daemon.output();
}

TEST(ServiceManager, StopsFeedingWhenTheStateCanNotBeWrittenToItsEnd) {
  test::TempFolder folder;
  Manager manager(folder.write("notify", "") + ".socket");
  // 800 ms: fed each 400 ms, and the saver may take 1.6 s.
  setenv("WATCHDOG_USEC", "800000", 1);
  // A pipe that nobody reads: the save waits in open() for ever, as on a disk that is gone.
  const auto state = folder.write("state", "") + ".d";
  mkdir(state.c_str(), 0700);
  // What pends is saved.
  folder.write("r.yml", "groups: [{name: g, rules: [{alert: A, expr: vector(1), for: 1h}]}]\n");
  auto arguments = run(folder.write("q.yml", "targets: []\nrules: {files: [r.yml], interval: 100ms}\n"));
  arguments.push_back("--storage.path=" + state);
  mkfifo((state + "/alerts.state.tmp").c_str(), 0600);
  Child daemon(arguments);
  EXPECT_NE(manager.until("WATCHDOG=1"), "") << daemon.output();
  EXPECT_NE(manager.until("WATCHDOG=1"), "") << daemon.output();
  EXPECT_TRUE(daemon.wait_for("a part does not get on")) << daemon.output();
  EXPECT_THAT(daemon.output(), HasSubstr("state of alerts"));
  // What was sent before lies in the socket; after it there is no more food.
  while (!manager.next(milliseconds(10)).empty()) {
  }
  EXPECT_EQ(manager.next(milliseconds(1000)), "");
}

TEST(ServiceManager, ReadsTheEnvironmentAsSystemdWritesIt) {
  setenv("WATCHDOG_USEC", "30000000", 1);
  EXPECT_EQ(ServiceManager::from_environment().watchdog, seconds(30));
  setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(ServiceManager::from_environment().watchdog, seconds(0)) << "meant for another process";
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  EXPECT_EQ(ServiceManager::from_environment().watchdog, seconds(30));
  setenv("WATCHDOG_USEC", "soon", 1);
  EXPECT_EQ(ServiceManager::from_environment().watchdog, seconds(0));
  unsetenv("WATCHDOG_PID");
  unsetenv("WATCHDOG_USEC");
  EXPECT_EQ(ServiceManager::from_environment().socket, "");
}

}  // namespace
}  // namespace qw
