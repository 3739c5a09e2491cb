#include <algorithm>
#include <chrono>

#include "probes/network/clocks_member.hpp"
#include "probes/network/clocks_udp.hpp"
#include "probes/wire/ntp.hpp"

namespace qw::probes {
namespace {

/// How long a server that refused (a kiss-o'-death) is left alone: doubled each time.
constexpr Nanoseconds kFirstPause = std::chrono::minutes(1);
constexpr Nanoseconds kLongestPause = std::chrono::hours(4);

class NtpMember final : public ClockMember {
 public:
  NtpMember(const ProbeContext& context, ClockAddress address)
      : ClockMember(std::move(address.name)), context_(context), at_(std::move(address.at)) {}

  Task<Facts> ask(SteadyTime deadline) override {
    const auto started = context_.clock.steady();
    if (refusal_ && started < ask_again_) co_return unanswered({started, started}, *refusal_);
    const std::uint64_t nonce = make_nonce();
    net::UdpQuestion question;
    question.bytes = wire::make_ntp_request(nonce);
    question.is_answer = [nonce](net::Bytes bytes) { return wire::answers_ntp_request(bytes, nonce); };
    auto answer = co_await ask_clock(context_, at_, std::move(question), deadline);
    const Asked asked{started, context_.clock.steady()};
    if (!answer) co_return unanswered(asked, answer.error());
    const auto reply = wire::parse_ntp_reply(answer->bytes, answer->flight.received);
    if (!reply) {
      if (reply.error().kind() == ErrorKind::rejected) pause(asked.received, reply.error());
      co_return unanswered(asked, reply.error());
    }
    refusal_.reset();
    pause_ = kFirstPause;
    co_return read(*reply, answer->flight);
  }

 private:
  /// RFC 5905 7.4: who is told to go away goes.
  void pause(SteadyTime now, const Error& refusal) {
    refusal_ = refusal;
    ask_again_ = now + pause_;
    pause_ = std::min(2 * pause_, kLongestPause);
  }

  Facts read(const wire::NtpReply& reply, const net::Flight& flight) const {
    const Asked asked{flight.sent_steady, flight.received_steady};
    Facts facts;
    // Its times are true to its clock within its precision, either way.
    facts.clocks.push_back({.member = name(),
                            .source = "ntp",
                            .asked = asked,
                            .local_sent = flight.sent,
                            .local_received = flight.received,
                            .remote = reply.received - reply.precision,
                            .resolution = 2 * reply.precision,
                            .remote_sent = reply.transmitted - reply.precision});
    ClockState state{.member = name(),
                     .source = "ntp",
                     .asked = asked,
                     .synchronised = reply.synchronised(),
                     .offset = std::nullopt,
                     .bound = std::nullopt,
                     .leap = reply.leap,
                     .stratum = reply.stratum,
                     .frequency_error = std::nullopt};
    if (reply.synchronised()) {
      state.offset = Nanoseconds{};
      state.bound = reply.root_distance();
    }
    facts.clock_states.push_back(std::move(state));
    const Nanoseconds held = reply.transmitted - reply.received;
    facts.round_trips.push_back({.member = name(),
                                 .method = "ntp",
                                 .asked = asked,
                                 .value = std::max(flight.duration() - held, Nanoseconds{}),
                                 .error = flight.error + 2 * reply.precision,
                                 .held = held});
    return facts;
  }

  ProbeContext context_;
  net::HostPort at_;
  std::optional<Error> refusal_;
  SteadyTime ask_again_;
  Nanoseconds pause_ = kFirstPause;
};

}  // namespace

std::unique_ptr<ClockMember> make_ntp_member(const ProbeContext& context, ClockAddress address) {
  return std::make_unique<NtpMember>(context, std::move(address));
}

}  // namespace qw::probes
