#include <algorithm>
#include <array>
#include <cmath>

#include "probes/network/clocks_member.hpp"
#include "probes/network/clocks_udp.hpp"
#include "probes/wire/chrony.hpp"

namespace qw::probes {
namespace {

using enum MetricType;
using wire::ChronyCommand;

constexpr MetricFamily kOffset{
    "quorumwatch_chrony_source_offset_seconds", gauge,
    "How far the clock of chronyd's machine is ahead of one of its sources, by the last sample.",
    "member peer"};
constexpr MetricFamily kError{"quorumwatch_chrony_source_error_seconds", gauge,
                              "The error that chronyd gives that sample.", "member peer"};
constexpr MetricFamily kSelected{"quorumwatch_chrony_source_selected", gauge,
                                 "Whether chronyd follows this source.", "member peer"};
constexpr MetricFamily kReachable{"quorumwatch_chrony_source_reachable", gauge,
                                  "Whether the source answered one of the last eight polls.", "member peer"};
constexpr std::array kFamilies{&kOffset, &kError, &kSelected, &kReachable};

Nanoseconds nanoseconds(double value) {
  // Who claims more than years claims nonsense, which must not overflow.
  constexpr double kMost = 1e9;
  return Nanoseconds(std::llround(std::clamp(value, -kMost, kMost) * 1e9));
}

class ChronyMember final : public ClockMember {
 public:
  ChronyMember(const ProbeContext& context, ClockAddress address)
      : ClockMember(std::move(address.name)), context_(context), at_(std::move(address.at)) {}

  /// The tracking is what counts; a chronyd that does not tell its sources is well all the same.
  Task<Facts> ask(SteadyTime deadline) override {
    const auto started = context_.clock.steady();
    auto answer = co_await exchange(ChronyCommand::tracking, 0, deadline);
    const Asked asked{started, context_.clock.steady()};
    if (!answer) co_return unanswered(asked, answer.error());
    const auto tracking = wire::parse_chrony_tracking(*answer);
    if (!tracking) co_return unanswered(asked, tracking.error());
    Facts facts;
    facts.clock_states.push_back(read(*tracking, asked));
    auto counted = co_await exchange(ChronyCommand::source_count, 0, deadline);
    if (!counted) co_return facts;
    const auto count = wire::parse_chrony_source_count(*counted).value_or(0);
    for (std::uint32_t i = 0; i < count; ++i) {
      auto told = co_await exchange(ChronyCommand::source_data, i, deadline);
      if (!told) break;
      const auto source = wire::parse_chrony_source(*told);
      if (source) add_source(*source, facts);
    }
    co_return facts;
  }

 private:
  Task<Result<std::vector<std::byte>>> exchange(ChronyCommand command, std::uint32_t source,
                                                SteadyTime deadline) {
    const auto sequence = static_cast<std::uint32_t>(make_nonce());
    net::UdpQuestion question;
    question.bytes = wire::make_chrony_request(command, sequence, source);
    question.is_answer = [command, sequence](net::Bytes bytes) {
      return wire::answers_chrony_request(bytes, command, sequence);
    };
    auto answer = co_await ask_clock(context_, at_, std::move(question), deadline);
    if (!answer) co_return std::unexpected(answer.error());
    co_return std::move(answer->bytes);
  }

  ClockState read(const wire::ChronyTracking& tracking, Asked asked) const {
    ClockState state{.member = name(),
                     .source = "chrony",
                     .asked = asked,
                     .synchronised = tracking.leap.has_value(),
                     .offset = std::nullopt,
                     .bound = std::nullopt,
                     .leap = tracking.leap,
                     .stratum = tracking.stratum,
                     .frequency_error = tracking.frequency_ppm * 1e-6};
    if (tracking.leap) {
      state.offset = -nanoseconds(tracking.correction);
      state.bound = nanoseconds(tracking.root_dispersion + std::abs(tracking.root_delay) / 2);
    }
    return state;
  }

  void add_source(const wire::ChronySource& source, Facts& facts) const {
    const auto add = [&](const MetricFamily& family, double value) {
      facts.readings.push_back(
          {.family = &family, .labels = {{"member", name()}, {"peer", source.name}}, .value = value});
    };
    add(kReachable, source.reachability != 0 ? 1 : 0);
    add(kSelected, source.state == wire::ChronySourceState::selected ? 1 : 0);
    if (source.reachability == 0) return;  // no sample lately
    add(kOffset, source.offset);
    add(kError, source.error);
  }

  ProbeContext context_;
  net::HostPort at_;
};

}  // namespace

std::unique_ptr<ClockMember> make_chrony_member(const ProbeContext& context, ClockAddress address) {
  return std::make_unique<ChronyMember>(context, std::move(address));
}

std::span<const MetricFamily* const> chrony_families() {
  return kFamilies;
}

}  // namespace qw::probes
