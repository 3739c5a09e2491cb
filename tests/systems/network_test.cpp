// Our STAMP beside independent codecs (python3-scapy as reflector and as sender, tshark as reader), over IPv4
// and IPv6, and what an unprivileged process may do in a network namespace of its own.
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>

#include "daemon/base/text.hpp"
#include "probes/network/icmp.hpp"
#include "probes/network/packet_pinger.hpp"
#include "probes/network/reflector.hpp"
#include "probes/network/stamp.hpp"
#include "probes/network/tcp.hpp"
#include "probes/wire/ntp_time.hpp"
#include "tests/unit/network/loop.hpp"

namespace qw::probes {
namespace {

using asio::ip::make_address;
using std::chrono::microseconds;
using test::in;
using test::milliseconds;

constexpr gid_t kNobody = 65534;
/// Python and tshark take a while to start on a busy machine.
constexpr milliseconds kPatience(60'000);

/// A program under a pipe each way; ends when its input does.
class Program {
 public:
  explicit Program(std::vector<std::string> words) {
    std::array<int, 2> in{}, out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0) std::abort();
    process_ = ::fork();
    if (process_ == 0) {
      ::dup2(in[0], STDIN_FILENO);
      ::dup2(out[1], STDOUT_FILENO);
      std::vector<char*> raw;
      for (auto& word : words) raw.push_back(word.data());
      raw.push_back(nullptr);
      ::execvp(raw[0], raw.data());
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    input_ = in[1];
    output_ = out[0];
    ::fcntl(output_, F_SETFL, O_NONBLOCK);
  }
  ~Program() {
    ::close(input_);
    ::waitpid(process_, nullptr, 0);
    ::close(output_);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// What it has printed so far; never waits.
  const std::string& printed() {
    std::array<char, 4096> block;
    for (ssize_t got = 0; (got = ::read(output_, block.data(), block.size())) > 0;) {
      text_.append(block.data(), static_cast<std::size_t>(got));
    }
    return text_;
  }

 private:
  pid_t process_ = 0;
  int input_ = -1;
  int output_ = -1;
  std::string text_;
};

std::string scapy() {
  return QW_SOURCE_DIR "/tests/systems/stamp_scapy.py";
}

std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

std::unique_ptr<Reflector> open_reflector(test::Loop& loop, const std::string& address) {
  auto opened = Reflector::open(loop.executor(), {.listen = {net::Endpoint(make_address(address), 0)}}, [] {
    return wire::ErrorEstimate{.synchronised = true, .ptp = false, .bound = microseconds(250)};
  });
  EXPECT_TRUE(opened) << opened.error().message();
  for (auto& task : (*opened)->tasks()) loop.spawn(std::move(task));
  return std::move(*opened);
}

class StampInterop : public ::testing::TestWithParam<const char*> {
 protected:
  std::string address() const { return GetParam(); }
  test::Loop loop_;
};
INSTANTIATE_TEST_SUITE_P(Families, StampInterop, ::testing::Values("127.0.0.1", "::1"));

TEST_P(StampInterop, ScapyReflectsOurPackets) {
  Program reflector({scapy(), "reflect", address()});
  ASSERT_TRUE(loop_.until([&] { return lines_in(reflector.printed()) == 1; }, kPatience))
      << "scapy does not start";
  const auto port = parse_uint64(trim(reflector.printed()));
  ASSERT_TRUE(port);
  PacketPinger pinger(loop_.executor(), make_stamp());
  TrainOrder order{.member = "scapy",
                   .path = "",
                   .to = net::Endpoint(make_address(address()), static_cast<std::uint16_t>(*port)),
                   .packets = 20,
                   .first = std::chrono::steady_clock::now(),
                   .every = milliseconds(5)};
  const auto outcomes = loop_.run(pinger.send({order}, in(milliseconds(5000))));
  const auto& [train, trips, clocks, state, error] = outcomes.at(0);
  EXPECT_EQ(train.received, 20U);
  EXPECT_EQ(train.lost_forward, 0U);
  EXPECT_EQ(train.lost_backward, 0U);
  for (const auto& trip : trips) EXPECT_GT(*trip.held, Nanoseconds(0));
  const auto corrected =
      std::ranges::count_if(trips, [](const auto& trip) { return *trip.error < microseconds(40); });
  EXPECT_GE(corrected, 10) << "by what scapy says with the next answer";
  ASSERT_FALSE(clocks.empty());
  for (const auto& reading : clocks) {
    // scapy computes with doubles, which hold about a quarter of a microsecond of our time.
    EXPECT_LE(*reading.remote_sent, reading.local_received + microseconds(1));
    EXPECT_GE(reading.remote, reading.local_sent - microseconds(1));
  }
  ASSERT_TRUE(state);
  EXPECT_EQ(state->synchronised, true);
  EXPECT_EQ(state->bound->count() / 1000, 732) << "3 * 2^20 * 2^-32 s";
}

TEST_P(StampInterop, ScapyReadsOurReflector) {
  const auto reflector = open_reflector(loop_, address());
  const auto port = std::to_string(reflector->listening().front().port());
  Program sender({scapy(), "send", address(), port, "5"});
  ASSERT_TRUE(loop_.until([&] { return lines_in(sender.printed()) == 5; }, kPatience)) << sender.printed();
  unsigned number = 0;
  double left = 0;  // T3 of the answer before
  for (const auto line : split(trim(sender.printed()), '\n')) {
    const auto words = split(line, ' ');
    ASSERT_EQ(words.size(), 16U) << line;
    EXPECT_EQ(words[0], std::to_string(number)) << "our count";
    EXPECT_EQ(words[1], std::to_string(1000 + number));
    EXPECT_EQ(words[2], "4711");
    EXPECT_EQ(words[3], "64");
    const auto seconds_of = [&](std::size_t at) { return std::stod(std::string(words[at])); };
    for (const std::size_t at : {4U, 5U, 6U}) EXPECT_LE(seconds_of(at), seconds_of(at + 1) + 2e-6) << line;
    const double bound = std::stod(std::string(words[10])) * std::exp2(std::stod(std::string(words[9])) - 32);
    EXPECT_EQ(words[8], "1");
    EXPECT_NEAR(bound, 250e-6, 2e-6);
    EXPECT_EQ(words[11], "64");
    EXPECT_EQ(words[12], "0") << "known and well formed";
    if (number == 0) {
      EXPECT_EQ(words[14], "0.000000");
    } else {
      EXPECT_EQ(words[13], std::to_string(number - 1));
      EXPECT_GE(seconds_of(14), left - 2e-6) << line;
      EXPECT_LE(seconds_of(14), seconds_of(4)) << "before scapy sent this one";
      EXPECT_EQ(words[15], "2") << "by software";
    }
    left = seconds_of(6);
    ++number;
  }
  EXPECT_EQ(number, 5U);
}

/// One packet with IPv4 and UDP headers around it.
std::string packet_of(net::Bytes payload, std::uint16_t from, std::uint16_t to) {
  std::string out(28, '\0');
  const auto put = [&](std::size_t at, std::size_t value) {
    out[at] = static_cast<char>(value >> 8U);
    out[at + 1] = static_cast<char>(value & 0xffU);
  };
  out[0] = 0x45;
  put(2, 28 + payload.size());
  out[8] = 64;
  out[9] = IPPROTO_UDP;
  put(20, from);
  put(22, to);
  put(24, 8 + payload.size());
  out.append(reinterpret_cast<const char*>(payload.data()), payload.size());
  return out;
}

template <class T>
void append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

TEST(StampDissected, TsharkReadsBothPacketsAsTwampTest) {
  const WallTime then(std::chrono::seconds(1'767'011'200) + milliseconds(250));
  const auto estimate = wire::encode_error_estimate({.synchronised = true, .bound = microseconds(250)});
  const wire::StampRequest request{
      .sequence = 7, .timestamp = wire::to_ntp_time(then), .error_estimate = estimate, .session = 4711};
  std::array<std::byte, wire::kStampSize> reply;
  wire::write_stamp_reply({.sequence = 3,
                           .timestamp = wire::to_ntp_time(then + milliseconds(250)),
                           .error_estimate = estimate,
                           .session = 4711,
                           .received = wire::to_ntp_time(then + milliseconds(125)),
                           .sender = request,
                           .sender_ttl = 254},
                          reply);
  std::string file;
  for (const std::uint32_t word : {0xa1b2c3d4U, 0x00040002U, 0U, 0U, 65535U, 101U}) append(file, word);
  std::array<std::byte, wire::kStampSize + wire::kFollowUpSize> asking;
  std::ranges::copy(wire::write_stamp_request(request), asking.begin());
  wire::write_follow_up_question(std::span(asking).subspan<wire::kStampSize, wire::kFollowUpSize>());
  for (const auto& packet : {packet_of(wire::write_stamp_request(request), 5000, 862),
                             packet_of(reply, 862, 5000), packet_of(asking, 5000, 862)}) {
    for (const auto word : {std::size_t(0), std::size_t(0), packet.size(), packet.size()}) {
      append(file, static_cast<std::uint32_t>(word));
    }
    file += packet;
  }
  const std::string path = ::testing::TempDir() + "/qw_stamp.pcap";
  std::ofstream(path, std::ios::binary) << file;
  test::Loop loop;
  std::vector<std::string> words{"tshark", "-r", path, "-d", "udp.port==862,twamp.test", "-T", "fields"};
  for (const auto* field :
       {"_ws.col.Protocol", "twamp.test.seq_number", "twamp.test.timestamp", "twamp.test.sender_seq_number",
        "twamp.test.sender_ttl", "twamp.test.error_estimate.s", "twamp.test.error_estimate.scale",
        "twamp.test.error_estimate.multiplier"}) {
    words.insert(words.end(), {"-e", field});
  }
  Program tshark(words);
  ASSERT_TRUE(loop.until([&] { return lines_in(tshark.printed()) == 3; }, kPatience)) << tshark.printed();
  std::remove(path.c_str());
  const auto lines = split(trim(tshark.printed()), '\n');
  const auto first = split(lines[0], '\t');
  const auto second = split(lines[1], '\t');
  ASSERT_GE(first.size(), 3U);
  ASSERT_GE(second.size(), 8U);
  EXPECT_EQ(first[0], "TWAMP-Test");
  EXPECT_EQ(first[1], "7");
  EXPECT_TRUE(first[2].contains("12:26:40.250000000")) << first[2];
  EXPECT_EQ(second[1], "3");
  EXPECT_TRUE(second[2].contains("12:26:40.500000000")) << second[2];
  EXPECT_EQ(second[3], "7");
  EXPECT_EQ(second[4], "254");
  const auto third = split(lines[2], '\t');
  EXPECT_EQ(third[0], "TWAMP-Test") << "an extension is padding to it";
  EXPECT_EQ(third[1], "7");
}

/// What `check` says as nobody, without any capability, in a network namespace whose loopback is up.
/// `groups`: what stands in net.ipv4.ping_group_range.
std::string as_nobody(const std::string& groups, const std::function<std::string()>& check) {
  std::array<int, 2> out{};
  if (::pipe(out.data()) != 0) std::abort();
  const pid_t child = ::fork();
  if (child == 0) {
    const auto told = [&]() -> std::string {
      if (::unshare(CLONE_NEWNET) != 0) return "no namespace";
      const int any = ::socket(AF_INET, SOCK_DGRAM, 0);
      ifreq interface{};
      std::strcpy(interface.ifr_name, "lo");
      interface.ifr_flags = IFF_UP | IFF_RUNNING;
      if (::ioctl(any, SIOCSIFFLAGS, &interface) != 0) return "no loopback";
      ::close(any);
      std::ofstream("/proc/sys/net/ipv4/ping_group_range") << groups << std::flush;
      if (::setgroups(0, nullptr) != 0 || ::setgid(kNobody) != 0 || ::setuid(kNobody) != 0)
        return "not nobody";
      return check();
    }();
    if (::write(out[1], told.data(), told.size()) < 0) ::_exit(1);
    ::_exit(0);
  }
  ::close(out[1]);
  std::string told;
  std::array<char, 512> block;
  for (ssize_t got = 0; (got = ::read(out[0], block.data(), block.size())) > 0;) {
    told.append(block.data(), static_cast<std::size_t>(got));
  }
  ::close(out[0]);
  ::waitpid(child, nullptr, 0);
  return told;
}

/// "10/10", or why not.
std::string ping(Pinger& pinger, test::Loop& loop, const net::Endpoint& to) {
  TrainOrder order{.member = "peer",
                   .path = "",
                   .to = to,
                   .packets = 10,
                   .first = std::chrono::steady_clock::now(),
                   .every = milliseconds(1)};
  const auto outcomes = loop.run(pinger.send({order}, in(milliseconds(3000))));
  const auto& outcome = outcomes.at(0);
  if (outcome.train.sent == 0) return outcome.error ? outcome.error->message() : "nothing";
  // The kernel begins to stamp what comes some time after the first socket has asked for it. Half of the
  // bound is what a reflector can not stamp before it sends.
  const auto stamped =
      std::ranges::count_if(outcome.trips, [](const auto& trip) { return *trip.error < microseconds(100); });
  return fmt::format("{}/{}{}", outcome.train.received, outcome.train.sent,
                     stamped >= 5 ? "" : " without kernel stamps");
}

std::string try_all() {
  std::string out;
  for (const auto* address : {"127.0.0.1", "::1"}) {
    test::Loop loop;
    PacketPinger icmp(loop.executor(), make_icmp());
    out += "icmp " + ping(icmp, loop, net::Endpoint(make_address(address), 0)) + "\n";
    const auto reflector = open_reflector(loop, address);
    PacketPinger stamp(loop.executor(), make_stamp());
    out += "stamp " + ping(stamp, loop, reflector->listening().front()) + "\n";
    asio::io_context other;
    const asio::ip::tcp::acceptor acceptor(other, {make_address(address), 0});
    const auto tcp = make_tcp(loop.executor(), true);
    out += "tcp " + ping(*tcp, loop, net::Endpoint(make_address(address), acceptor.local_endpoint().port())) +
           "\n";
  }
  return out;
}

class UnprivilegedProbes : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() == 0) return;
    if (std::getenv("CI") != nullptr) FAIL() << "needs root, to become nobody in a namespace";
    GTEST_SKIP() << "needs root, to become nobody in a namespace";
  }
};

TEST_F(UnprivilegedProbes, EveryMethodWorksWhereTheGroupMayPing) {
  EXPECT_EQ(as_nobody("0 65534", try_all),
            "icmp 10/10\nstamp 10/10\ntcp 10/10\nicmp 10/10\nstamp 10/10\ntcp 10/10\n");
}

TEST_F(UnprivilegedProbes, WhatIsNotAllowedIsNamedWithTheSettingThatWouldAllowIt) {
  const auto told = as_nobody("1 0", try_all);
  EXPECT_EQ(told,
            "icmp ICMP sockets need the group 65534 in the setting net.ipv4.ping_group_range of this network "
            "namespace, or: raw "
            "ICMP sockets need the capability CAP_NET_RAW\nstamp 10/10\ntcp 10/10\n"
            "icmp ICMPv6 sockets need the group 65534 in the setting net.ipv4.ping_group_range of this "
            "network namespace, or: raw "
            "ICMPv6 sockets need the capability CAP_NET_RAW\nstamp 10/10\ntcp 10/10\n");
}

TEST_F(UnprivilegedProbes, TheReflectorsOwnPortNeedsACapability) {
  const auto told = as_nobody("1 0", [] {
    test::Loop loop;
    const auto opened =
        Reflector::open(loop.executor(), {.listen = {net::Endpoint(make_address("127.0.0.1"), 862)}},
                        [] { return wire::ErrorEstimate(); });
    return opened ? std::string("opened") : opened.error().message();
  });
  EXPECT_EQ(told,
            "127.0.0.1:862: ports below net.ipv4.ip_unprivileged_port_start need the capability "
            "CAP_NET_BIND_SERVICE");
}

}  // namespace
}  // namespace qw::probes
