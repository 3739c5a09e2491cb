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

/// What a command printed, and its exit code.
struct Said {
  int code = 0;
  std::string text;
};

Said shell(const std::string& command) {
  Said said;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  std::array<char, 4096> buffer{};
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe))
    said.text.append(buffer.data(), got);
  said.code = WEXITSTATUS(::pclose(pipe));
  return said;
}

/// A broker's own metadata names so many brokers.
bool names_brokers(const qw::lab::Node& node, int count) {
  const auto said = shell("kcat -L -m 1 -b " + node.endpoint());
  return said.text.find(std::to_string(count) + " brokers:") != std::string::npos;
}

/// Whether the redis of this node knows its primary to be there ("master_link_status:up").
bool replicates(const Lab& lab, const std::string& node) {
  FILE* pipe = ::popen(("redis-cli -h " + lab.node(node).address + " info replication").c_str(), "r");
  std::string text(4096, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), pipe));
  ::pclose(pipe);
  return text.find("master_link_status:up") != std::string::npos;
}

/// What the PostgreSQL of this node answers within a second; empty when it does not.
std::string postgres_says(const Lab& lab, const std::string& node, const std::string& statement) {
  const std::string command = "PGCONNECT_TIMEOUT=2 timeout 1 psql -XAtqU postgres -h " +
                              lab.node(node).address + " -c '" + statement + "' 2>/dev/null";
  FILE* pipe = ::popen(command.c_str(), "r");
  std::string text(256, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), pipe));
  ::pclose(pipe);
  return text;
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

TEST(Lab, KafkaIsKilledFrozenCutAndComesBack) {
  QW_NEED_LAB();
  QW_NEED_KAFKA();
  Lab lab;
  const auto up = lab.up({"kafka", "--fast"});
  ASSERT_TRUE(up) << up.error().message();
  ASSERT_EQ(lab.endpoints("kafka").size(), 3U);
  ASSERT_EQ(lab.controllers().size(), 3U);
  const std::string client = QW_SOURCE_DIR "/tests/lab/kafka-client --bootstrap " + lab.endpoints("kafka")[0];
  ASSERT_EQ(shell(client + " topic create t").code, 0);
  EXPECT_EQ(shell(client + " produce t --rate 1000 --count 30").code, 0);
  EXPECT_EQ(shell(client + " commit --group g t/0=4").code, 0);
  const auto described = shell(client + " describe t --group g");
  EXPECT_NE(
      described.text.find(R"("t/0": {"committed": 4, "start": 0, "end": 10, "stable_end": 10, "lag": 6})"),
      std::string::npos)
      << described.text;

  ASSERT_TRUE(lab.kill("kafka-2"));
  EXPECT_FALSE(reachable(lab.node("kafka-2")));
  EXPECT_TRUE(eventually([&] { return names_brokers(lab.node("kafka-1"), 2); }));
  ASSERT_TRUE(lab.start("kafka-2"));
  EXPECT_TRUE(eventually([&] { return names_brokers(lab.node("kafka-2"), 3); }, 30s));

  ASSERT_TRUE(lab.stop("kafka-3"));
  EXPECT_TRUE(eventually([&] { return names_brokers(lab.node("kafka-1"), 2); }));
  ASSERT_TRUE(lab.cont("kafka-3"));
  // Each broker learns of it from the metadata log at its own time: the one that is cut off next must know
  // it.
  EXPECT_TRUE(eventually([&] { return names_brokers(lab.node("kafka-1"), 3); }, 30s));
  EXPECT_TRUE(eventually([&] { return names_brokers(lab.node("kafka-2"), 3); }, 30s));

  ASSERT_TRUE(lab.cut("kafka-2"));
  EXPECT_TRUE(eventually([&] { return names_brokers(lab.node("kafka-1"), 2); }));
  EXPECT_TRUE(eventually([&] { return names_brokers(lab.node("kafka-2"), 3); }))
      << "the one that is cut off answers from what it knew";
  ASSERT_TRUE(lab.heal());
  EXPECT_TRUE(eventually([&] { return names_brokers(lab.node("kafka-1"), 3); }, 30s));
}

TEST(Lab, KafkaWithoutItsJarsIsToldFromAFault) {
  QW_NEED_LAB();
  const std::string tool = QW_SOURCE_DIR "/tests/lab/lab --dir /nonexistent/lab up kafka";
  const auto absent = shell("QW_KAFKA_JARS=/nonexistent " + tool);
  EXPECT_EQ(absent.code, 77);
  EXPECT_NE(absent.text.find("no Kafka "), std::string::npos) << absent.text;
  EXPECT_EQ(shell(tool + " --no-such-option").code, 2);
}

TEST(Lab, APostgresStopsWithItsChildrenAndComesBackAsAStandby) {
  QW_NEED_LAB();
  Lab lab;
  const auto up = lab.up({"postgres"});
  ASSERT_TRUE(up) << up.error().message();
  ASSERT_TRUE(lab.stop("postgres-1"));
  EXPECT_EQ(postgres_says(lab, "postgres-1", "select 1"), "");
  ASSERT_TRUE(lab.cont("postgres-1"));
  EXPECT_TRUE(eventually([&] { return postgres_says(lab, "postgres-1", "select 1") == "1\n"; }));

  ASSERT_TRUE(lab.run({"kill", "postgres-1", "--in-order"}));
  EXPECT_EQ(lab.node("postgres-1").state, "dead");
  EXPECT_TRUE(eventually([&] { return postgres_says(lab, "postgres-2", "select pg_promote()") == "t\n"; }));
  for (const bool rebuild : {false, true}) {
    ASSERT_TRUE(lab.kill("postgres-1"));
    std::vector<std::string> start{"start", "postgres-1", "--follow", "postgres-2"};
    if (rebuild) start.emplace_back("--rebuild");
    const auto started = lab.run(start);
    ASSERT_TRUE(started) << started.error().message();
    EXPECT_TRUE(eventually([&] {
      return postgres_says(lab, "postgres-1", "select status from pg_stat_wal_receiver") == "streaming\n";
    }));
  }
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
