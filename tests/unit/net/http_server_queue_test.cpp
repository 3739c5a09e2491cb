#include "daemon/net/http_server_queue.hpp"

#include <gtest/gtest.h>

#include <array>

namespace qw::net {
namespace {

using std::chrono::seconds;

struct Client final : ClientQueues::Client {};

class ClientQueuesTest : public testing::Test {
 protected:
  static ClientQueues::Times times() {
    ClientQueues::Times times;
    times.request = seconds(5);
    times.kept = seconds(60);
    times.writing = seconds(10);
    return times;
  }
  static SteadyTime at(int second) { return SteadyTime(seconds(second)); }
  ClientQueues queues_{times()};
  std::array<Client, 6> clients_;
};

TEST_F(ClientQueuesTest, NobodyExpiresWhenNobodyIsThere) {
  EXPECT_EQ(queues_.next_deadline(), SteadyTime::max());
  EXPECT_EQ(queues_.expired(at(1000)), nullptr);
  EXPECT_EQ(queues_.evictable(), nullptr);
  EXPECT_TRUE(queues_.empty());
}

TEST_F(ClientQueuesTest, EachPhaseHasItsOwnTime) {
  struct Case {
    ClientPhase phase;
    int seconds;
  };
  for (const auto& c :
       {Case{ClientPhase::fresh, 5}, Case{ClientPhase::request, 5}, Case{ClientPhase::kept, 60},
        Case{ClientPhase::writing, 10}, Case{ClientPhase::closing, 1}}) {
    queues_.move(clients_[0], c.phase, at(100));
    EXPECT_EQ(queues_.next_deadline(), at(100 + c.seconds));
    EXPECT_EQ(queues_.expired(at(99 + c.seconds)), nullptr);
    EXPECT_EQ(queues_.expired(at(100 + c.seconds)), &clients_[0]);
  }
  queues_.move(clients_[0], ClientPhase::handling, at(100));
  EXPECT_EQ(queues_.next_deadline(), SteadyTime::max());
}

TEST_F(ClientQueuesTest, RoomIsMadeByWhoIsMissedLeast) {
  queues_.move(clients_[0], ClientPhase::handling, at(0));
  EXPECT_EQ(queues_.evictable(), nullptr) << "never one whose handler runs";
  queues_.move(clients_[1], ClientPhase::writing, at(1));
  EXPECT_EQ(queues_.evictable(), &clients_[1]);
  queues_.move(clients_[2], ClientPhase::request, at(2));
  EXPECT_EQ(queues_.evictable(), &clients_[2]);
  queues_.move(clients_[3], ClientPhase::fresh, at(4));
  EXPECT_EQ(queues_.evictable(), &clients_[3]);
  queues_.move(clients_[4], ClientPhase::kept, at(3));
  EXPECT_EQ(queues_.evictable(), &clients_[4]) << "idle for longer";
  queues_.move(clients_[5], ClientPhase::closing, at(5));
  EXPECT_EQ(queues_.evictable(), &clients_[5]);
  EXPECT_EQ(queues_.size(), 6U);
  for (auto& client : clients_) queues_.move(client, ClientPhase::gone, at(6));
  queues_.move(clients_[0], ClientPhase::gone, at(6));
  EXPECT_TRUE(queues_.empty());
}

TEST_F(ClientQueuesTest, MovingStartsTheTimeAnewAndKeepsTheOrder) {
  queues_.move(clients_[0], ClientPhase::kept, at(0));
  queues_.move(clients_[1], ClientPhase::kept, at(1));
  queues_.move(clients_[0], ClientPhase::kept, at(2));
  EXPECT_EQ(queues_.front(ClientPhase::kept), &clients_[1]);
  EXPECT_EQ(queues_.next_deadline(), at(61));
}

}  // namespace
}  // namespace qw::net
