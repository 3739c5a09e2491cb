// The lab tested by itself: what every test of a real system relies on.
#include "tests/lab/lab.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <functional>
#include <thread>

namespace {

using qw::lab::Lab;
using namespace std::chrono_literals;

/// Whether a TCP connection is made within 300 ms.
bool reachable(const qw::lab::Node& node) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(node.port);
  ::inet_pton(AF_INET, node.address.c_str(), &address.sin_addr);
  ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  pollfd waiting{descriptor, POLLOUT, 0};
  const bool answered = ::poll(&waiting, 1, 300) == 1;
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
  ::close(descriptor);
  return answered && error == 0;
}

bool eventually(const std::function<bool()>& condition, std::chrono::seconds limit = 10s) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return condition();
}

/// Whether the redis of this node knows its primary to be there ("master_link_status:up").
bool replicates(const Lab& lab, const std::string& node) {
  FILE* pipe = ::popen(("redis-cli -h " + lab.node(node).address + " info replication").c_str(), "r");
  std::string text(4096, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), pipe));
  ::pclose(pipe);
  return text.find("master_link_status:up") != std::string::npos;
}

TEST(Lab, StartsAClusterThatIsReachableAndGoneAfterwards) {
  QW_NEED_LAB();
  std::filesystem::path directory;
  int pid = 0;
  {
    Lab lab;
    const auto up = lab.up({"etcd"});
    ASSERT_TRUE(up) << up.error().message();
    EXPECT_EQ(lab.nodes("etcd").size(), 3U);
    for (const auto& node : lab.nodes("etcd")) EXPECT_TRUE(reachable(node)) << node.endpoint();
    directory = lab.directory();
    pid = lab.node("etcd-1").pid;
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_NE(::kill(pid, 0), 0);
  EXPECT_FALSE(std::filesystem::exists(directory));
}

TEST(Lab, ACutNodeLosesItsPeersAndIsStillReachedFromHere) {
  QW_NEED_LAB();
  Lab lab;
  const auto up = lab.up({"redis", "--replicas", "1", "--sentinels", "0", "--set", "repl-timeout=1", "--set",
                          "repl-ping-replica-period=1"});
  ASSERT_TRUE(up) << up.error().message();
  ASSERT_TRUE(eventually([&] { return replicates(lab, "redis-2"); }));
  ASSERT_TRUE(lab.cut("redis-2"));
  EXPECT_TRUE(eventually([&] { return !replicates(lab, "redis-2"); }));
  EXPECT_TRUE(reachable(lab.node("redis-2")));
  ASSERT_TRUE(lab.heal());
  EXPECT_TRUE(eventually([&] { return replicates(lab, "redis-2"); }));
  ASSERT_TRUE(lab.run({"cut", "redis-2", "--from-monitor"}));
  EXPECT_FALSE(reachable(lab.node("redis-2")));
  ASSERT_TRUE(lab.heal());
  EXPECT_TRUE(reachable(lab.node("redis-2")));
}

TEST(Lab, KillStopContAndStartSayWhatBecameOfAServer) {
  QW_NEED_LAB();
  Lab lab;
  const auto up = lab.up({"redis", "--replicas", "0", "--sentinels", "0"});
  ASSERT_TRUE(up) << up.error().message();
  ASSERT_TRUE(lab.stop("redis-1"));
  EXPECT_EQ(lab.node("redis-1").state, "stopped");
  ASSERT_TRUE(lab.cont("redis-1"));
  EXPECT_EQ(lab.node("redis-1").state, "running");
  ASSERT_TRUE(lab.kill("redis-1"));
  EXPECT_EQ(lab.node("redis-1").state, "dead");
  EXPECT_FALSE(reachable(lab.node("redis-1")));
  EXPECT_FALSE(lab.stop("redis-1"));
  ASSERT_TRUE(lab.start("redis-1"));
  EXPECT_TRUE(eventually([&] { return reachable(lab.node("redis-1")); }));
}

TEST(Lab, TwoLabsLiveSideBySide) {
  QW_NEED_LAB();
  Lab one;
  Lab two;
  ASSERT_TRUE(one.up({"redis", "--replicas", "0", "--sentinels", "0"}));
  ASSERT_TRUE(two.up({"redis", "--replicas", "0", "--sentinels", "0"}));
  EXPECT_NE(one.node("redis-1").address, two.node("redis-1").address);
  EXPECT_TRUE(reachable(one.node("redis-1")));
  EXPECT_TRUE(reachable(two.node("redis-1")));
}

TEST(Lab, AnUnknownNodeIsAnErrorThatNamesTheKnownOnes) {
  QW_NEED_LAB();
  Lab lab;
  ASSERT_TRUE(lab.up({"redis", "--replicas", "0", "--sentinels", "0"}));
  const auto cut = lab.cut("redis-9");
  ASSERT_FALSE(cut);
  EXPECT_NE(cut.error().message().find("redis-1"), std::string::npos) << cut.error().message();
}

TEST(Lab, EverythingEndsWhenItsOwnerIsKilled) {
  QW_NEED_LAB();
  std::array<int, 2> pids{};
  ASSERT_EQ(::pipe(pids.data()), 0);
  const pid_t owner = ::fork();
  if (owner == 0) {
    Lab lab;
    const bool up = lab.up({"redis", "--replicas", "0", "--sentinels", "0"}).has_value();
    const int pid = up ? lab.node("redis-1").pid : 0;
    [[maybe_unused]] const auto written = ::write(pids[1], &pid, sizeof pid);
    while (true) ::pause();
  }
  int pid = 0;
  ASSERT_EQ(::read(pids[0], &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
  ASSERT_GT(pid, 0);
  EXPECT_EQ(::kill(pid, 0), 0);
  ::kill(owner, SIGKILL);
  ::waitpid(owner, nullptr, 0);
  EXPECT_TRUE(eventually([&] { return ::kill(pid, 0) != 0; }));
}

}  // namespace
