#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/model/facts.hpp"
#include "daemon/net/address.hpp"
#include "daemon/net/http_client.hpp"
#include "probes/wire/etcd_reply.hpp"

/// What etcd's members said, turned into facts. The part of the etcd probe that needs no network.
namespace qw::probes {

extern const MetricFamily kAlarmActive;
extern const MetricFamily kMemberInfo;

/// One exchange with a member, and what was read in it.
template <class T>
struct Heard {
  std::optional<T> value;
  std::optional<Error> error;  ///< why there is no value; neither: was not asked
  bool replied = false;        ///< there was a whole HTTP reply, however useless
  net::HttpReply reply;        ///< without its body
};

/// What one member said in one look.
struct EtcdAnswer {
  EtcdAnswer(std::size_t index_, SteadyTime begun) : index(index_), asked{.sent = begun, .received = begun} {}
  std::size_t index;  ///< of the member in the configuration
  Asked asked;        ///< the look as a whole
  Heard<wire::EtcdVars> vars;
  Heard<wire::EtcdStatus> status;
  Heard<wire::EtcdMembers> members;
  Heard<WallTime> clock;  ///< at its peer address
};

/// The cluster as far as its members have told us: state that is kept between looks.
class EtcdCluster {
 public:
  /// As configured; what is not is read from the members.
  struct Times {
    std::optional<Nanoseconds> election_timeout;
    std::optional<Nanoseconds> heartbeat_interval;
  };
  EtcdCluster(std::vector<net::HostPort> members, const Times& times, std::string clock_profile = {});

  /// What is known of the members that both have, for one that does not answer just now.
  void inherit(const EtcdCluster& before);
  /// Answers in the order of the configuration. A second look has only the claims that it was for.
  Facts read(std::vector<EtcdAnswer> answers, bool second_look);

  std::size_t size() const { return members_.size(); }
  const std::string& name(std::size_t index) const { return members_[index].name; }
  /// Whether its raft.status was seen before: then a reply without it is an error, not a reason to trust
  /// less.
  bool has_shown_vars(std::size_t index) const { return members_[index].has_shown_vars; }

 private:
  /// Both ids together, because clusters that were bootstrapped alike can share member ids.
  struct Identity {
    std::uint64_t cluster = 0;
    std::uint64_t member = 0;
    auto operator<=>(const Identity&) const = default;
  };
  struct Member {
    net::HostPort address;
    std::string name;
    std::optional<Identity> identity;
    Times times;               ///< on its command line
    bool flags_count = false;  ///< it was shown, and what it does not say is etcd's default
    std::string duplicate_of;  ///< the configured member that answers here too; empty: none
    bool has_shown_vars = false;
    std::optional<std::uint64_t> commit;  ///< as it last said itself
  };

  std::optional<Error> identify(const EtcdAnswer& answer);
  void find_duplicates();
  void learn(std::span<const EtcdAnswer> answers);
  std::string name_of(std::uint64_t id) const;
  std::optional<std::uint64_t> reached(const Identity& peer, std::uint64_t match) const;
  void add_claim(const EtcdAnswer& answer, Facts& facts) const;
  void add_positions(const EtcdAnswer& answer, Facts& facts) const;
  void add_timing(const EtcdAnswer& answer, Facts& facts) const;
  void add_membership(const EtcdAnswer& answer, Facts& facts) const;
  void add_readings(std::span<const EtcdAnswer> answers, Facts& facts) const;
  std::optional<Nanoseconds> longest(std::optional<Nanoseconds> Times::* time) const;
  Traits traits() const;

  std::vector<Member> members_;
  Times times_;
  std::string clock_profile_;
  std::map<std::uint64_t, std::string> names_;  ///< of the members that were seen at a configured address
  std::set<std::uint64_t> learners_;
};

}  // namespace qw::probes
