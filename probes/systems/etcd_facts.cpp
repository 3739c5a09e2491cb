#include "probes/systems/etcd_facts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "daemon/base/http_date.hpp"

namespace qw::probes {

const MetricFamily kAlarmActive{.name = "quorumwatch_alarm_active",
                                .type = MetricType::gauge,
                                .help = "Whether the system itself has raised this alarm about the member.",
                                .labels = "member alarm"};
const MetricFamily kMemberInfo{.name = "quorumwatch_member_info",
                               .type = MetricType::gauge,
                               .help =
                                   "Always 1: the member's version, and what its claim rests on (debug_vars: "
                                   "the true term; status: no term).",
                               .labels = "member version claim_source"};

namespace {

/// etcd's own default (facts/leadership-and-replication.md 4).
constexpr Nanoseconds kElectionTimeout = std::chrono::seconds(1);
constexpr Nanoseconds kHeartbeatInterval = std::chrono::milliseconds(100);
/// The alarms of 3.4 to 3.7; exported as 0 too, so that a rule on them has something to look at.
constexpr std::array<std::string_view, 2> kAlarms{"NOSPACE", "CORRUPT"};

std::string print_lineage(std::uint64_t cluster) {
  return fmt::format("{:016x}", cluster);
}

Asked asked_of(const net::HttpReply& reply) {
  return {.sent = reply.sent, .received = reply.received};
}

/// "http://10.0.0.1:2379" as the address that it names; nothing for unix sockets and the like.
std::optional<net::HostPort> address_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::nullopt;
  url.remove_prefix(scheme + 3);
  auto parsed = net::HostPort::parse(url.substr(0, url.find('/')));
  if (!parsed) return std::nullopt;
  return *parsed;
}

/// Why there is no claim: what was asked, and what came of it.
Error explain(const EtcdAnswer& answer) {
  const auto& vars = answer.vars.error;
  const auto& status = answer.status.error;
  if (vars && !status) return vars->within("/debug/vars");
  if (status && !vars) return status->within("/v3/maintenance/status");
  if (!vars) return {ErrorKind::internal, "was not asked"};
  // A refusal is what the operator can act upon.
  const auto kind = vars->kind() == ErrorKind::rejected ? ErrorKind::rejected : status->kind();
  return {kind,
          fmt::format("/debug/vars: {}; /v3/maintenance/status: {}", vars->message(), status->message())};
}

Link link_of(wire::EtcdSending sending) {
  switch (sending) {
    case wire::EtcdSending::replicate:
    case wire::EtcdSending::snapshot:
      return Link::up;
    case wire::EtcdSending::probe:
    case wire::EtcdSending::unknown:
      break;
  }
  return Link::unknown;
}

/// Every exchange of the look that got an HTTP reply.
std::vector<const net::HttpReply*> replies_of(const EtcdAnswer& answer) {
  std::vector<const net::HttpReply*> replies;
  if (answer.vars.replied) replies.push_back(&answer.vars.reply);
  if (answer.status.replied) replies.push_back(&answer.status.reply);
  if (answer.members.replied) replies.push_back(&answer.members.reply);
  return replies;
}

}  // namespace

EtcdCluster::EtcdCluster(std::vector<net::HostPort> members, const Times& times, std::string clock_profile)
    : times_(times), clock_profile_(std::move(clock_profile)) {
  for (auto& address : members) {
    Member member;
    member.name = address.print();
    member.address = std::move(address);
    members_.push_back(std::move(member));
  }
}

void EtcdCluster::inherit(const EtcdCluster& before) {
  for (auto& member : members_) {
    const auto known = std::ranges::find(before.members_, member.name, &Member::name);
    if (known == before.members_.end()) continue;
    member = *known;
    member.duplicate_of.clear();
    for (const auto& [id, name] : before.names_) {
      if (name == member.name) names_[id] = name;
    }
  }
  learners_ = before.learners_;
}

Facts EtcdCluster::read(std::vector<EtcdAnswer> answers, bool second_look) {
  Facts facts;
  const auto leave_out = [&](const EtcdAnswer& answer, Error why) {
    facts.unanswered.push_back(
        {.member = name(answer.index), .asked = answer.asked, .error = std::move(why)});
  };
  std::vector<EtcdAnswer> good;
  for (auto& answer : answers) {
    if (auto problem = identify(answer)) {
      leave_out(answer, std::move(*problem));
    } else {
      good.push_back(std::move(answer));
    }
  }
  find_duplicates();
  std::erase_if(good, [&](const EtcdAnswer& answer) {
    const auto& other = members_[answer.index].duplicate_of;
    if (!other.empty()) leave_out(answer, {ErrorKind::protocol, "is the same member as " + other});
    return !other.empty();
  });
  learn(good);
  facts.traits = traits();
  for (const auto& answer : good) {
    add_claim(answer, facts);
    add_timing(answer, facts);
    if (second_look) continue;
    add_positions(answer, facts);
    add_membership(answer, facts);
  }
  if (!second_look) add_readings(good, facts);
  return facts;
}

/// Finds out which member of which cluster answered. Without that a claim can be compared with no other, and
/// is left out.
std::optional<Error> EtcdCluster::identify(const EtcdAnswer& answer) {
  auto& member = members_[answer.index];
  const auto& vars = answer.vars.value;
  const auto& status = answer.status.value;
  const auto& list = answer.members.value;
  if (!vars && !status) return explain(answer);
  if (vars) member.has_shown_vars = true;

  const std::uint64_t id = vars ? vars->id : status->member_id;
  std::optional<Identity> said;
  if (status) {
    said = Identity{.cluster = status->cluster_id, .member = status->member_id};
  } else if (list) {
    said = Identity{.cluster = list->cluster_id, .member = list->member_id};
  } else if (member.identity && member.identity->member == id) {
    said = member.identity;
  }
  // Only status and the member list name the cluster.
  if (!said) {
    if (answer.status.error) return answer.status.error->within("cluster id: /v3/maintenance/status");
    return Error(ErrorKind::protocol, "another member than before answers");
  }
  if (said->member != id) {
    return Error(ErrorKind::protocol, "different members answer at this address, as behind a load balancer");
  }
  member.identity = said;
  if (vars) {
    member.flags_count = vars->flags_count;
    member.times = {.election_timeout = vars->election_timeout,
                    .heartbeat_interval = vars->heartbeat_interval};
  }
  return std::nullopt;
}

/// Two configured addresses of one member would count it twice. The one that was configured first stands for
/// it.
void EtcdCluster::find_duplicates() {
  for (auto& member : members_) {
    member.duplicate_of.clear();
    if (!member.identity) continue;
    const auto same = [&](const Member& other) { return other.identity == member.identity; };
    const auto& first = *std::ranges::find_if(members_, same);
    if (&first != &member) member.duplicate_of = first.name;
  }
}

/// Names and learners, so that ids can be turned into configured names even of members that do not answer.
void EtcdCluster::learn(std::span<const EtcdAnswer> answers) {
  for (const auto& answer : answers) {
    auto& member = members_[answer.index];
    member.commit = answer.vars.value ? answer.vars.value->commit : answer.status.value->commit;
    std::erase_if(names_, [&](const auto& entry) { return entry.second == member.name; });
    names_[member.identity->member] = member.name;
  }
  const auto has_list = [](const EtcdAnswer& answer) { return answer.members.value.has_value(); };
  if (std::ranges::any_of(answers, has_list)) learners_.clear();
  for (const auto& answer : answers) {
    if (answer.status.value && answer.status.value->learner) learners_.insert(answer.status.value->member_id);
    if (!answer.members.value) continue;
    for (const auto& listed : answer.members.value->members) {
      if (listed.learner) learners_.insert(listed.id);
      if (names_.contains(listed.id)) continue;
      for (const auto& url : listed.client_urls) {
        const auto address = address_of(url);
        const auto here = [&](const Member& member) { return !member.identity && member.address == address; };
        const auto found = std::ranges::find_if(members_, here);
        if (address && found != members_.end()) names_[listed.id] = found->name;
      }
    }
  }
}

std::string EtcdCluster::name_of(std::uint64_t id) const {
  const auto found = names_.find(id);
  return found == names_.end() ? fmt::format("id:{:x}", id) : found->second;
}

/// How far a member is known to have got of which the leader tells. A new leader says 0 of everybody who has
/// not acknowledged anything to it yet, above all of its dead predecessor. What the member itself has said
/// counts then: raft takes back nothing that is committed. Nothing: nobody knows.
std::optional<std::uint64_t> EtcdCluster::reached(const Identity& peer, std::uint64_t match) const {
  std::optional<std::uint64_t> reached;
  if (match > 0) reached = match;
  for (const auto& member : members_) {
    if (member.identity == peer) reached = std::max(reached, member.commit);
  }
  return reached;
}

void EtcdCluster::add_claim(const EtcdAnswer& answer, Facts& facts) const {
  const auto& member = members_[answer.index];
  LeadershipClaim claim;
  claim.member = member.name;
  claim.tenure.lineage = print_lineage(member.identity->cluster);
  claim.votes = claim.may_lead = !learners_.contains(member.identity->member);
  std::uint64_t lead = 0;
  if (const auto& vars = answer.vars.value) {
    claim.asked = asked_of(answer.vars.reply);
    claim.claim = vars->state == wire::EtcdState::leader ? Claim::leader : Claim::not_leader;
    claim.tenure.epoch = vars->term;
    claim.campaigning =
        vars->state == wire::EtcdState::candidate || vars->state == wire::EtcdState::pre_candidate;
    claim.handing_over = vars->lead_transferee != 0;
    lead = vars->lead;
  } else {
    // The term of status is that of the last applied entry. As an epoch it would make a new leader, before
    // its first entry is applied, a second leader of its predecessor's term (3 of 12 partitions,
    // facts/servers-more.md). As a part of the token it still tells tenures of one member apart, and no two
    // members ever share one.
    const auto& status = *answer.status.value;
    claim.asked = asked_of(answer.status.reply);
    claim.claim = status.leader == status.member_id ? Claim::leader : Claim::not_leader;
    if (claim.claim == Claim::leader)
      claim.tenure.token = fmt::format("{:x}/{}", status.member_id, status.applied_term);
    lead = status.leader;
  }
  if (lead != 0) claim.follows = name_of(lead);
  facts.claims.push_back(std::move(claim));
}

void EtcdCluster::add_positions(const EtcdAnswer& answer, Facts& facts) const {
  const auto& vars = answer.vars.value;
  const auto& claim = facts.claims.back();  // of the same answer
  ReplicaPosition own;
  own.member = own.reported_by = claim.member;
  own.asked = claim.asked;
  own.role = claim.claim == Claim::leader ? Role::leader : Role::replica;
  own.lineage = claim.tenure.lineage;
  own.position = vars ? vars->commit : answer.status.value->commit;
  own.unit = PositionUnit::entries;
  own.link = claim.follows ? Link::up : Link::down;
  facts.positions.push_back(own);
  if (!vars || claim.claim != Claim::leader) return;
  for (const auto& peer : vars->progress) {
    if (peer.id == vars->id) continue;
    const auto position =
        reached({.cluster = members_[answer.index].identity->cluster, .member = peer.id}, peer.match);
    if (!position) continue;
    ReplicaPosition told = own;
    told.member = name_of(peer.id);
    told.role = Role::replica;
    told.position = *position;
    told.link = link_of(peer.sending);
    facts.positions.push_back(std::move(told));
  }
}

/// The shortest exchange says most about the network and bounds the clock best.
void EtcdCluster::add_timing(const EtcdAnswer& answer, Facts& facts) const {
  const net::HttpReply* shortest = nullptr;
  const net::HttpReply* dated = nullptr;
  const auto shorter = [](const net::HttpReply& a, const net::HttpReply* b) {
    return b == nullptr || a.received - a.sent < b->received - b->sent;
  };
  for (const auto* reply : replies_of(answer)) {
    if (shorter(*reply, shortest)) shortest = reply;
    if (parse_http_date(reply->date) && shorter(*reply, dated)) dated = reply;
  }
  // How much of it is etcd's own work is not known, so there is no error to state.
  facts.round_trips.push_back({.member = name(answer.index),
                               .method = "http",
                               .asked = asked_of(*shortest),
                               .value = shortest->received - shortest->sent,
                               .error = std::nullopt});
  if (answer.clock.value) {
    const auto& reply = answer.clock.reply;
    facts.clocks.push_back({.member = name(answer.index),
                            .source = "etcd_probing",
                            .asked = asked_of(reply),
                            .local_sent = reply.wall_sent,
                            .local_received = reply.wall_received,
                            .remote = *answer.clock.value,
                            .resolution = Nanoseconds(1)});
  }
  if (dated == nullptr) return;
  facts.clocks.push_back({.member = name(answer.index),
                          .source = "http_date",
                          .asked = asked_of(*dated),
                          .local_sent = dated->wall_sent,
                          .local_received = dated->wall_received,
                          .remote = *parse_http_date(dated->date),
                          .resolution = std::chrono::seconds(1)});
}

void EtcdCluster::add_membership(const EtcdAnswer& answer, Facts& facts) const {
  if (!answer.members.value) return;
  const auto& list = *answer.members.value;
  const auto learners = std::ranges::count_if(list.members, &wire::EtcdMember::learner);
  facts.memberships.push_back(
      {.member = name(answer.index),
       .asked = asked_of(answer.members.reply),
       .lineage = print_lineage(list.cluster_id),
       .voters = static_cast<unsigned>(list.members.size() - static_cast<std::size_t>(learners)),
       .learners = static_cast<unsigned>(learners)});
}

void EtcdCluster::add_readings(std::span<const EtcdAnswer> answers, Facts& facts) const {
  std::set<std::pair<std::string, std::string>> raised;
  bool anybody_said = false;
  for (const auto& answer : answers) {
    const auto& status = answer.status.value;
    if (!status) continue;
    anybody_said = true;
    for (const auto& alarm : status->alarms) raised.emplace(name_of(alarm.member_id), alarm.alarm);
    facts.readings.push_back({.family = &kMemberInfo,
                              .labels = {{"member", name(answer.index)},
                                         {"version", status->version},
                                         {"claim_source", answer.vars.value ? "debug_vars" : "status"}},
                              .value = 1});
  }
  // Every member knows the alarms of all.
  if (!anybody_said) return;
  std::set<std::pair<std::string, std::string>> known = raised;
  for (const auto& [id, member] : names_) {
    for (const auto alarm : kAlarms) known.emplace(member, alarm);
  }
  for (const auto& alarm : known) {
    facts.readings.push_back({.family = &kAlarmActive,
                              .labels = {{"member", alarm.first}, {"alarm", alarm.second}},
                              .value = raised.contains(alarm) ? 1.0 : 0.0});
  }
}

/// As configured, or of the slowest member.
std::optional<Nanoseconds> EtcdCluster::longest(std::optional<Nanoseconds> Times::* time) const {
  if (times_.*time) return times_.*time;
  std::optional<Nanoseconds> longest;
  for (const auto& member : members_) longest = std::max(longest, member.times.*time);
  return longest;
}

/// A deposed raft leader can not commit. It steps down, and a new one is elected, within about two election
/// time-outs.
Traits EtcdCluster::traits() const {
  const auto election = longest(&Times::election_timeout);
  const auto detection = election.value_or(kElectionTimeout);
  Traits traits{.fencing = Fencing::fenced, .failure_detection = detection, .settling = 2 * detection};
  // A margin is not computed from a guess: only who shows his flags has the default of one that is not there.
  const bool flags_count = std::ranges::any_of(members_, &Member::flags_count);
  const auto heartbeat = longest(&Times::heartbeat_interval);
  traits.election_timeout = election || !flags_count ? election : kElectionTimeout;
  traits.heartbeat_interval = heartbeat || !flags_count ? heartbeat : kHeartbeatInterval;
  traits.clock_profile = clock_profile_;
  return traits;
}

}  // namespace qw::probes
