// Measures this machine itself: its clock as the kernel and chronyd see it, its steps and suspensions, and
// how much TCP has to send again to each peer. Asks the kernel (adjtimex without a change, sock_diag) and
// chronyd on loopback where one answers; no permission needed. Cannot see connections of other network
// namespaces, nor what was sent on a connection before the first round.
#include <algorithm>
#include <utility>
#include <vector>

#include "probes/host/host_kernel_clock.hpp"
#include "probes/network/clocks_member.hpp"
#include "probes/network/retransmits.hpp"
#include "probes/probe.hpp"

namespace qw::probes {
namespace {

constexpr MetricFamily kSourceUp{
    .name = "quorumwatch_host_source_up",
    .type = MetricType::gauge,
    .help = "Whether a source about this machine answered in the last round: kernel_clock, tcp, chrony.",
    .labels = "source"};

/// The only member of such a target.
constexpr std::string_view kMember = "localhost";
constexpr std::uint64_t kMostPeers = 1000;
constexpr std::uint16_t kChronyPort = 323;
/// On the same machine an answer takes less, and a firewall that swallows the question must not cost a round.
constexpr Nanoseconds kChronyPatience = std::chrono::milliseconds(300);

struct Options {
  std::uint64_t peers = RetransmitsLedger::Limits().lines;
  std::string chrony = "127.0.0.1";
};

class Host final : public Probe {
 public:
  Host(const ProbeContext& context, const Options& options, net::HostPort chrony)
      : clock_(context.clock),
        chrony_(make_chrony_member(context, chrony_at(std::move(chrony)))),
        retransmits_(context.net.executor(), context.clock, {.lines = options.peers},
                     context.port_systems != nullptr ? *context.port_systems : kNoPorts) {}

  Task<Result<Facts>> ask(Question /*question*/, SteadyTime deadline) override {
    Facts facts;
    facts.local_clocks.push_back(read_local_clocks());
    read_clock(facts);
    co_await ask_chrony(facts, deadline);
    const Asked asked{.sent = clock_.steady(), .received = {}};
    auto looked = co_await retransmits_.look(deadline);
    note(facts, "tcp", looked.has_value());
    if (!looked) miss(facts, asked, looked.error());
    retransmits_.append_readings(facts.readings);
    co_return facts;
  }

 private:
  void read_clock(Facts& facts) {
    const Asked asked{.sent = clock_.steady(), .received = {}};
    auto state = read_kernel_clock(kMember, clock_);
    note(facts, "kernel_clock", state.has_value());
    if (state) {
      facts.clock_states.push_back(std::move(*state));
    } else {
      miss(facts, asked, state.error());
    }
  }

  /// Most machines without chronyd have another way to keep their time: one that never answered is no news,
  /// but one that answers no more is.
  Task<void> ask_chrony(Facts& facts, SteadyTime deadline) {
    auto told = co_await chrony_->ask(std::min(deadline, clock_.steady() + kChronyPatience));
    const bool up = !told.clock_states.empty();
    note(facts, "chrony", up);
    if (up || chrony_answered_) facts.append(std::move(told));
    chrony_answered_ = chrony_answered_ || up;
  }

  static ClockAddress chrony_at(net::HostPort at) {
    return {.name = std::string(kMember), .scheme = ClockScheme::chrony, .at = std::move(at), .path = {}};
  }

  void note(Facts& facts, std::string_view source, bool up) {
    facts.readings.push_back({&kSourceUp, {{"source", std::string(source)}}, up ? 1.0 : 0.0});
  }
  void miss(Facts& facts, Asked asked, const Error& error) {
    asked.received = clock_.steady();
    facts.unanswered.push_back({.member = std::string(kMember), .asked = asked, .error = error});
  }

  static inline const PortSystems kNoPorts;
  const Clock& clock_;
  std::unique_ptr<ClockMember> chrony_;
  bool chrony_answered_ = false;
  Retransmits retransmits_;
};

ProbeMaker read(config::Fields& fields) {
  Options options;
  fields.optional(
      "peers", &options.peers,
      "How many peers have TCP numbers of their own, those with the most trouble first; the others "
      "share a line for each class of ports.");
  fields.check("peers", options.peers >= 1 && options.peers <= kMostPeers, "must be 1 to 1000");
  fields.optional("chrony", &options.chrony,
                  "Where chronyd answers chronyc (its cmdport); without an answer there it is left out.");
  auto chrony = net::HostPort::parse(options.chrony, kChronyPort);
  fields.check("chrony", chrony.has_value(), chrony ? "" : chrony.error().message());
  const auto at = chrony.value_or(net::HostPort{.host = "127.0.0.1", .port = kChronyPort});
  return [options, at](const ProbeContext& context) -> Result<std::unique_ptr<Probe>> {
    return std::make_unique<Host>(context, options, at);
  };
}

/// Its own families, those of its sockets and those of its chronyd.
const std::vector<const MetricFamily*> kFamilies = [] {
  std::vector<const MetricFamily*> all{&kSourceUp};
  for (const auto* family : Retransmits::families()) all.push_back(family);
  for (const auto* family : chrony_families()) all.push_back(family);
  return all;
}();

}  // namespace

extern const ProbeKind kHost;
const ProbeKind kHost{
    .system = "host",
    .summary = "This machine itself",
    .measures =
        "Its clock as the kernel and chronyd see it, steps and suspensions; how much TCP sends again "
        "to each peer, split by the configured systems' ports.",
    .asks =
        "The kernel (adjtimex, sock_diag) and chronyd on loopback where one answers; no permission needed.",
    .cannot_see = "Connections of other network namespaces, and what was sent before the first round.",
    .metrics = kFamilies,
    .read = read,
};

}  // namespace qw::probes
