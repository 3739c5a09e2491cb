#include "probes/signals/clock_profiles.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace qw::signals {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::array<ClockProfile, 15> kProfiles{{
    // Our own choice: logs can be put in order, and nothing that is listed here is hurt.
    {"default", milliseconds(100), milliseconds(500), "events of different nodes change their order"},
    // Amazon documents 5 minutes for most services, 15 for S3.
    {"aws_sigv4", minutes(1), minutes(5), "requests are refused as expired"},
    // Its C++ driver warns of more than 1 s; cells carry microseconds, and the highest stamp wins.
    {"cassandra", milliseconds(100), seconds(1), "the older of two writes wins"},
    // mon_clock_drift_allowed is 50 ms; checked every 300 s.
    {"ceph", milliseconds(25), milliseconds(50), "monitors report clock skew, then lose their leases"},
    // --max-offset is 500 ms, and a node gives up at 80 % of it against half of its peers
    // (cockroachdb/cockroach#96141).
    {"cockroachdb", milliseconds(200), milliseconds(400), "a node stops itself (80 % of --max-offset)"},
    // Raft leases are timed by monotonic clocks; its documentation asks for round trips, not for clocks.
    {"consul", seconds(1), std::nullopt, "advice: only log times are hurt"},
    // XDCR raises its drift alert beyond 5,000 ms.
    {"couchbase", seconds(1), seconds(5), "replication between clusters resolves conflicts wrongly"},
    // It logs a warning beyond 1 s; v3 does not depend on wall clocks (etcd-io/etcd#16432).
    {"etcd", seconds(1), std::nullopt, "advice: it logs a warning, only log times are hurt"},
    // hbase.master.warningclockskew and maxclockskew.
    {"hbase", seconds(10), seconds(30), "the master refuses the region server"},
    // RFC 4120 recommends 5 minutes, MIT's `clockskew` is 300 s.
    {"kerberos", minutes(1), minutes(5), "tickets are refused (KRB_AP_ERR_SKEW)"},
    // --max_clock_sync_error_usec is 10 s.
    {"kudu", seconds(5), seconds(10), "a server stops itself"},
    // Vault dates certificates back by 30 s, Teleport by 60 s, Kubernetes' controllers by 5 minutes
    // (hashicorp/vault#1035, gravitational/teleport#68051): beyond it they are not yet valid.
    {"tls", seconds(10), seconds(30), "fresh certificates are not yet valid"},
    // A TOTP code lives for 30 s (RFC 6238); validators of JWT grant 0 to 60 s.
    {"tokens", seconds(5), seconds(30), "one-time codes and tokens are refused"},
    // Its documentation: below 1 ms normal, above 5 ms critical, above 25 ms degraded.
    {"ydb", milliseconds(1), milliseconds(5), "distributed transactions slow down, from 30 s on they stop"},
    // --max_clock_skew_usec is 500,000.
    {"yugabytedb", milliseconds(250), milliseconds(500), "a server stops itself"},
}};

std::string print(Nanoseconds limit) {
  return limit < seconds(1) ? fmt::format("{} ms", limit / milliseconds(1))
                            : fmt::format("{} s", limit / seconds(1));
}

}  // namespace

std::span<const ClockProfile> clock_profiles() {
  return kProfiles;
}

const ClockProfile& clock_profile(std::string_view name) {
  const auto found = std::ranges::find(kProfiles, name, &ClockProfile::name);
  return found != kProfiles.end() ? *found : kProfiles.front();
}

const std::string& describe_clock_profiles() {
  static const std::string text = [] {
    std::string out;
    for (const auto& profile : kProfiles) {
      out += fmt::format("{}{} ({}{}: {})", out.empty() ? "" : "; ", profile.name, print(profile.warning),
                         profile.critical ? ", critical " + print(*profile.critical) : "", profile.harm);
    }
    return out;
  }();
  return text;
}

}  // namespace qw::signals
