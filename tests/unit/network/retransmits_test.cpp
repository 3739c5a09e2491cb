#include "probes/network/retransmits.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <functional>

namespace qw::probes {
namespace {

using tcp = asio::ip::tcp;

/// Real connections over loopback, which this kernel counts.
class RetransmitsTest : public testing::Test {
 protected:
  struct Connection {
    tcp::socket client, server;
  };

  Connection connect(const std::string& address) {
    tcp::acceptor acceptor(io_, tcp::endpoint(asio::ip::make_address(address), 0));
    port_ = acceptor.local_endpoint().port();
    tcp::socket client(io_);
    client.connect(acceptor.local_endpoint());
    auto server = acceptor.accept();
    return {std::move(client), std::move(server)};
  }

  Result<void> look() {
    Result<void> result;
    async::TaskGroup tasks(io_.get_executor(),
                           [](std::string_view, const std::string& what) { FAIL() << what; });
    tasks.spawn("look", look_into(result));
    io_.restart();
    while (tasks.size() > 0) io_.run_one();
    return result;
  }
  void look_until(const std::function<bool()>& holds) {
    const auto deadline = clock_.steady() + std::chrono::seconds(5);
    while (clock_.steady() < deadline) {
      ASSERT_TRUE(look());
      if (holds()) return;
      io_.restart();
      io_.run_for(std::chrono::milliseconds(10));
    }
  }
  Task<void> look_into(Result<void>& result) {
    result = co_await watch_.look(clock_.steady() + std::chrono::seconds(5));
  }

  /// Of the connections whose port was made a class by name.
  std::optional<double> value(std::string_view family, const std::string& port_class = "mine") const {
    std::vector<Reading> readings;
    watch_.append_readings(readings);
    std::optional<double> sum;
    for (const auto& reading : readings) {
      const bool fits = reading.labels.empty() || reading.labels.at(1).second == port_class;
      if (reading.family->name == family && fits) sum = sum.value_or(0) + reading.value;
    }
    return sum;
  }

  asio::io_context io_{1};
  SystemClock clock_;
  RetransmitsLedger::PortSystems systems_;
  Retransmits watch_{io_.get_executor(), clock_, {}, systems_};
  std::uint16_t port_ = 0;
};

TEST_F(RetransmitsTest, SaysNothingBeforeItHasLooked) {
  EXPECT_FALSE(value("quorumwatch_tcp_close_reports_lost_total"));
}

TEST_F(RetransmitsTest, CountsOpenConnectionsOfBothVersions) {
  for (const std::string address : {"127.0.0.1", "::1"}) {
    auto connection = connect(address);
    systems_ = {{port_, "mine"}};
    ASSERT_TRUE(look());
    EXPECT_EQ(value("quorumwatch_tcp_sockets"), 2) << address << ": one for each end";
    EXPECT_GT(value("quorumwatch_tcp_min_rtt_seconds"), 0);
    const auto before = *value("quorumwatch_tcp_segments_sent_total");
    asio::write(connection.client, asio::buffer("question"));
    ASSERT_TRUE(look());
    EXPECT_GE(*value("quorumwatch_tcp_segments_sent_total"), before + 1);
  }
}

TEST_F(RetransmitsTest, CountsAConnectionThatOpensAndClosesBetweenTwoLooks) {
  ASSERT_TRUE(look());
  {
    auto connection = connect("127.0.0.1");
    systems_ = {{port_, "mine"}};
    asio::write(connection.client, asio::buffer("question"));
  }
  // The kernel tells of the end once the connection is gone, which the other end decides too.
  look_until([&] { return value("quorumwatch_tcp_segments_sent_total").value_or(0) >= 5; });
  // SYN, ACK, question and FIN or RST of one end; ACK, and so on of the other.
  EXPECT_GE(value("quorumwatch_tcp_segments_sent_total"), 5);
  EXPECT_EQ(value("quorumwatch_tcp_sockets"), 0);
  EXPECT_EQ(value("quorumwatch_tcp_retransmits_total"), 0);
  EXPECT_EQ(value("quorumwatch_tcp_close_reports_lost_total"), 0);
}

TEST_F(RetransmitsTest, ASynThatNobodyAnswersIsSentAgainAndCounted) {
  ASSERT_TRUE(look());
  // A listener with a full queue drops the SYN; the kernel sends it again after a second.
  tcp::acceptor acceptor(io_, tcp::v4());
  acceptor.bind({asio::ip::address_v4::loopback(), 0});
  acceptor.listen(0);
  systems_ = {{acceptor.local_endpoint().port(), "mine"}};
  std::vector<tcp::socket> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back(io_, tcp::v4());
    clients.back().native_non_blocking(true);
    const auto to = acceptor.local_endpoint();
    // Not through Asio, which would wait for the answer.
    ::connect(clients.back().native_handle(), to.data(), static_cast<socklen_t>(to.size()));
  }
  look_until([&] { return value("quorumwatch_tcp_retransmits_total").value_or(0) >= 1; });
  EXPECT_GE(value("quorumwatch_tcp_retransmits_total"), 1);
}

TEST_F(RetransmitsTest, AnswersThatNobodyWaitedForDoNotSpoilTheNextLook) {
  auto connection = connect("127.0.0.1");
  systems_ = {{port_, "mine"}};
  Result<void> result;
  async::TaskGroup tasks(io_.get_executor(),
                         [](std::string_view, const std::string& what) { FAIL() << what; });
  tasks.spawn("look", look_into(result));
  io_.run_one();
  tasks.cancel();
  while (tasks.size() > 0) io_.run_one();
  EXPECT_FALSE(result);
  ASSERT_TRUE(look());
  ASSERT_TRUE(look());
  EXPECT_EQ(value("quorumwatch_tcp_sockets"), 2);
}

}  // namespace
}  // namespace qw::probes
