// Measures how far other clocks are from ours, whoever serves them: by NTP, by the Date of any web server,
// and what a chronyd says of the clock of its machine. Asks by UDP port 123 (NTP, mode 3), by UDP port 323
// (chrony's commands "tracking" and "sources", which chronyd answers from other machines only with
// `cmdallow`), and by HEAD over HTTP; no permission needed elsewhere. Cannot see a delay that is longer one
// way than the other, which is why every offset is an interval; nor that a proxy or the server itself shows a
// Date that was written earlier (`date_kept`).
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "daemon/base/text.hpp"
#include "probes/clock_profile.hpp"
#include "probes/network/clocks_member.hpp"

namespace qw::probes {
namespace {

constexpr std::size_t kMaxMembers = 64;

struct Options {
  std::vector<std::string> members;
  config::TlsOptions tls;
  Nanoseconds date_kept{};
  std::string clock_profile = "default";
};

class ClocksProbe final : public Probe {
 public:
  ClocksProbe(std::vector<std::unique_ptr<ClockMember>> members, std::vector<std::string> names,
              std::string profile)
      : members_(std::move(members)), names_(std::move(names)), profile_(std::move(profile)) {}

  /// Members that stay know when to ask.
  void inherit(Probe& before) override {
    auto* const other = dynamic_cast<ClocksProbe*>(&before);
    if (!other) return;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const auto known = std::ranges::find(other->names_, names_[i]);
      if (known != other->names_.end())
        members_[i] = std::move(other->members_[static_cast<std::size_t>(known - other->names_.begin())]);
    }
  }

  Task<Result<Facts>> ask(Question question, SteadyTime deadline) override {
    Facts facts;
    facts.traits.clock_profile = profile_;
    if (!question.offsets.empty() || !question.trains.empty()) co_return facts;
    std::vector<Task<Facts>> tasks;
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (question.includes(names_[i])) tasks.push_back(members_[i]->ask(deadline));
    }
    auto answers = co_await async::all(std::move(tasks));
    for (auto& answer : answers) facts.append(std::move(answer));
    co_return facts;
  }

 private:
  std::vector<std::unique_ptr<ClockMember>> members_;
  std::vector<std::string> names_;
  std::string profile_;
};

std::vector<ClockAddress> read_addresses(config::Fields& fields, const std::vector<std::string>& texts) {
  std::vector<ClockAddress> addresses;
  std::set<std::string> seen;
  for (const auto& text : texts) {
    auto address = ClockAddress::parse(text);
    if (!address) {
      fields.check("members", false, fmt::format("'{}': {}", sanitize(text), address.error().message()));
      continue;
    }
    const bool is_new = seen.insert(text).second;
    fields.check("members", is_new, fmt::format("{} is there twice", sanitize(text)));
    if (is_new) addresses.push_back(std::move(*address));
  }
  fields.check("members", texts.size() <= kMaxMembers,
               fmt::format("has more than {} addresses", kMaxMembers));
  return addresses;
}

Result<std::string> canonical(const std::string& text) {
  const auto address = ClockAddress::parse(text);
  if (!address) return std::unexpected(address.error());
  return text;
}

std::unique_ptr<ClockMember> make_member(const ProbeContext& context, const ClockAddress& address,
                                         const std::shared_ptr<net::TlsContext>& tls, Nanoseconds kept) {
  switch (address.scheme) {
    case ClockScheme::ntp:
      return make_ntp_member(context, address);
    case ClockScheme::chrony:
      return make_chrony_member(context, address);
    case ClockScheme::http:
      return make_date_member(context, address, nullptr, kept);
    case ClockScheme::https:
      break;
  }
  return make_date_member(context, address, tls, kept);
}

Result<std::unique_ptr<Probe>> make(const ProbeContext& context, const Options& options,
                                    const std::vector<ClockAddress>& addresses) {
  auto tls = context.tls(options.tls);
  if (!tls) return std::unexpected(tls.error());
  std::vector<std::unique_ptr<ClockMember>> members;
  std::vector<std::string> names;
  for (const auto& address : addresses) {
    members.push_back(make_member(context, address, *tls, options.date_kept));
    names.push_back(address.name);
  }
  return std::make_unique<ClocksProbe>(std::move(members), std::move(names), options.clock_profile);
}

ProbeMaker read(config::Fields& fields) {
  Options options;
  const bool found = fields.addresses(
      "members", &options.members, {.canonical = canonical, .dns_prefix = "ntp://"},
      "The clocks: ntp://HOST, chrony://HOST, http://HOST/PATH or https://HOST/PATH, each with a port "
      "where it is not 123, 323, 80 or 443. Public NTP servers ask not to be asked more than once a "
      "minute: set the interval. What DNS finds is asked by ntp.");
  fields.check("members", found || !options.members.empty(), "needs at least one address");
  const auto addresses = read_addresses(fields, options.members);
  config::tls_fields(fields, options.tls);
  options.tls.enabled |= std::ranges::count(addresses, ClockScheme::https, &ClockAddress::scheme) > 0;
  fields.optional(
      "date_kept", &options.date_kept,
      "For how long the web servers among the members go on showing a Date that they have written "
      "(Envoy 500ms, Tomcat 1s); the interval of the offset becomes so much wider.");
  fields.check("date_kept",
               options.date_kept >= Nanoseconds{} && options.date_kept <= std::chrono::seconds(10),
               "must be between 0 and 10s");
  clock_profile_field(fields, options.clock_profile);
  return [options, addresses](const ProbeContext& context) { return make(context, options, addresses); };
}

}  // namespace

Facts ClockMember::unanswered(Asked asked, Error error) const {
  Facts facts;
  facts.unanswered.push_back({.member = name_, .asked = asked, .error = std::move(error)});
  return facts;
}

extern const ProbeKind kClocks;
const ProbeKind kClocks{
    .system = "clocks",
    .summary = "Clocks by NTP, chrony and HTTP Date",
    .measures =
        "How far other clocks are from ours and from each other, within which bound, what they say of "
        "themselves, and whose clock is wrong.",
    .asks =
        "NTP (UDP 123), chrony's tracking and sources (UDP 323; from other machines chronyd wants "
        "`cmdallow`), "
        "HEAD over HTTP, aimed at the turn of the server's second.",
    .cannot_see =
        "A delay that is longer one way than the other: it widens the interval; a Date that a proxy or the "
        "server itself wrote earlier (say so with date_kept).",
    .metrics = chrony_families(),
    .read = read,
};

}  // namespace qw::probes
