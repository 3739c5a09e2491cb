// A clock of this machine that is set by an hour while packets are under way, through the whole of a `nodes`
// target: sockets, kernel stamps, books, signals, samples. No real clock is touched: the two calls by which a
// process learns of CLOCK_REALTIME are this program's own, and shift what the kernel says.
#include <dlfcn.h>
#include <fmt/format.h>
#include <linux/errqueue.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <deque>

#include "config/config.hpp"
#include "probes/probe.hpp"
#include "probes/target.hpp"
#include "probes/wire/ntp_time.hpp"
#include "probes/wire/stamp.hpp"
#include "tests/unit/network/loop.hpp"

namespace {

/// The wall clock is set by so much at that instant of its own (nanoseconds); 0: it is not.
std::atomic<std::int64_t> set_at{0}, set_by{0};

void shift(timespec& time) {
  const std::int64_t now = time.tv_sec * 1'000'000'000 + time.tv_nsec;
  if (set_at == 0 || now < set_at) return;
  const std::int64_t shown = now + set_by;
  time = {.tv_sec = shown / 1'000'000'000, .tv_nsec = shown % 1'000'000'000};
}

std::int64_t true_now() {
  timespec time{};
  ::syscall(SYS_clock_gettime, CLOCK_REALTIME, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const auto result = static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
  if (clock == CLOCK_REALTIME && result == 0) shift(*time);
  return result;
}

extern "C" int recvmmsg(int descriptor, mmsghdr* messages, unsigned count, int flags, timespec* timeout) {
  using Call = int (*)(int, mmsghdr*, unsigned, int, timespec*);
  static const auto kCall = reinterpret_cast<Call>(::dlsym(RTLD_NEXT, "recvmmsg"));
  const int got = kCall(descriptor, messages, count, flags, timeout);
  for (int i = 0; i < got; ++i) {
    auto& header = messages[i].msg_hdr;
    for (auto* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
      if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPING) continue;
      scm_timestamping stamps;
      std::memcpy(&stamps, CMSG_DATA(part), sizeof stamps);
      if (stamps.ts[0].tv_sec != 0) shift(stamps.ts[0]);
      std::memcpy(CMSG_DATA(part), &stamps, sizeof stamps);
    }
  }
  return got;
}

namespace qw::probes {

extern const ProbeKind kNodes;

namespace {

using test::in;
using test::milliseconds;

/// A reflector in a process of its own, whose clock nobody sets. It holds each packet for 40 ms, so that many
/// are under way at any time.
class SlowReflector {
 public:
  SlowReflector() {
    const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    socklen_t size = sizeof at;
    if (::bind(socket, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) std::abort();
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&at), &size);
    port = ntohs(at.sin_port);
    process_ = ::fork();
    if (process_ == 0) serve(socket);
    ::close(socket);
  }
  ~SlowReflector() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  SlowReflector(const SlowReflector&) = delete;
  SlowReflector& operator=(const SlowReflector&) = delete;

  std::uint16_t port = 0;

 private:
  static constexpr std::int64_t kHeld = 40'000'000;
  struct Held {
    wire::StampReply reply;
    sockaddr_in to;
    std::int64_t came;
  };
  static WallTime wall(std::int64_t time) { return WallTime(Nanoseconds(time)); }

  [[noreturn]] static void serve(int socket) {
    std::deque<Held> held;
    for (std::uint32_t count = 0;;) {
      pollfd wanted{.fd = socket, .events = POLLIN, .revents = 0};
      ::poll(&wanted, 1, 1);
      std::array<std::byte, 256> bytes;
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const auto got = ::recvfrom(socket, bytes.data(), bytes.size(), MSG_DONTWAIT,
                                  reinterpret_cast<sockaddr*>(&from), &size);
      if (got >= 44) {
        const auto came = true_now();
        const auto request = *wire::read_stamp_request(std::span(bytes).first(static_cast<std::size_t>(got)));
        held.push_back({.reply = {.sequence = count++,
                                  .timestamp = 0,
                                  .error_estimate = 1,
                                  .session = request.session,
                                  .received = wire::to_ntp_time(wall(came)),
                                  .sender = request},
                        .to = from,
                        .came = came});
      }
      for (; !held.empty() && true_now() - held.front().came >= kHeld; held.pop_front()) {
        auto& [reply, to, came] = held.front();
        reply.timestamp = wire::to_ntp_time(wall(true_now()));
        std::array<std::byte, wire::kStampSize> answer;
        wire::write_stamp_reply(reply, answer);
        ::sendto(socket, answer.data(), answer.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
      }
    }
  }
  pid_t process_ = 0;
};

class ClockIsSet : public ::testing::TestWithParam<int> {
 protected:
  ~ClockIsSet() override { set_at = set_by = 0; }

  std::unique_ptr<Target> make(std::uint16_t port) {
    const std::vector<config::Kind> kinds{
        {.system = kNodes.system, .summary = "", .read = [](config::Fields& fields) {
           return std::any(kNodes.read(fields));
         }}};
    const auto text = fmt::format(
        "targets:\n  - {{system: nodes, name: mesh, members: [127.0.0.2], methods: [stamp], port: {}, "
        "packets: 100, "
        "spacing: 4ms, source_ports: 2}}\n",
        port);
    const auto loaded = config::load_text(text, "test.yml", kinds);
    EXPECT_TRUE(loaded.problems.empty());
    auto probe = std::any_cast<ProbeMaker>(loaded.config.targets.at(0).plan)({.net = net_, .clock = clock_});
    return std::make_unique<Target>(TargetId{"nodes", "mesh"}, std::move(*probe), clock_);
  }
  Round measure(Target& target) { return loop_.run(target.measure(in(milliseconds(4000)))); }
  static double value(const Round& round, std::string_view name) {
    for (const auto& sample : round.samples) {
      if (sample.series->family->name == name) return sample.value;
    }
    return -1;
  }

  test::Loop loop_;
  SystemClock clock_;
  net::Resolver resolver_{loop_.executor(), {}};
  net::Net net_{loop_.executor(), resolver_};
};
INSTANTIATE_TEST_SUITE_P(ByAnHour, ClockIsSet, ::testing::Values(3600, -3600));

TEST_P(ClockIsSet, WhilePacketsAreUnderWayAndNoRoundTripIsWrong) {
  const SlowReflector reflector;
  const auto target = make(reflector.port);
  const auto calm = measure(*target);
  ASSERT_TRUE(calm.success) << calm.reason;
  const auto disturbed_before = value(calm, "quorumwatch_rtt_disturbed_total");
  set_by = GetParam() * 1'000'000'000LL;
  set_at = true_now() + 200'000'000;
  const auto round = measure(*target);
  ASSERT_TRUE(round.success) << round.reason;
  ASSERT_GT(true_now(), set_at);
  std::uint64_t received = 0, disturbed = 0;
  for (const auto& train : round.facts.trains) {
    received += train.received;
    disturbed += train.disturbed;
  }
  EXPECT_GE(received, 95U) << "an answer across a step is no loss";
  EXPECT_GE(disturbed, 5U) << "40 ms of packets were under way";
  EXPECT_EQ(round.facts.round_trips.size() + disturbed, received);
  EXPECT_GE(round.facts.round_trips.size(), 50U) << "before the step and after it";
  for (const auto& trip : round.facts.round_trips) {
    EXPECT_GE(trip.value, Nanoseconds(0));
    EXPECT_LT(trip.value, milliseconds(500)) << "of an hour";
    EXPECT_LT(*trip.held, milliseconds(1000));
  }
  const double step = GetParam();
  for (const auto& reading : round.facts.clocks) {
    const double from = seconds(*reading.remote_sent - reading.local_received);
    const double to = seconds(reading.remote + reading.resolution - reading.local_sent);
    const bool before = from <= 0 && to >= 0, after = from <= -step && to >= -step;
    EXPECT_TRUE(before || after) << from << " to " << to << ": the true offset is outside";
  }
  EXPECT_GE(value(round, "quorumwatch_rtt_disturbed_total") - disturbed_before, 5);
  EXPECT_GE(value(round, "quorumwatch_rtt_seconds"), 0);
  EXPECT_LT(value(round, "quorumwatch_rtt_seconds"), 0.1);
  EXPECT_LT(value(round, "quorumwatch_rtt_p99_seconds"), 0.5);
  EXPECT_LT(value(round, "quorumwatch_rtt_send_lag_seconds"), 2);
}

}  // namespace
}  // namespace qw::probes
