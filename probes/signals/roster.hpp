#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/model/fact_members.hpp"
#include "probes/signals/reign.hpp"

namespace qw::signals {

/// What one member said, in this round and before.
struct Member {
  std::string name;
  LeadershipClaim said;   ///< the last thing that it ever said
  bool known = false;     ///< it has said something since we started
  bool answered = false;  ///< the last question of this round was answered, so `said` is of this round
  unsigned looks = 0;     ///< how often it was asked in this round
  unsigned voters = 0;    ///< how many voters its own configuration counts; 0: it never said

  std::optional<Reign> reign;     ///< the last one, ended or not
  std::optional<Reign> previous;  ///< the one before
  std::optional<SteadyTime>
      not_leading;  ///< when the last question went out that it answered with "not leader"

  /// The last epoch that it knew, and of which lineage: an epoch must not go back.
  std::optional<std::uint64_t> epoch;
  std::string lineage;
  /// It led or followed somebody when all was quiet, so that losing the leader is news (elections.hpp).
  bool well = false;

  bool claims() const { return answered && said.claim == Claim::leader; }
  bool denies() const { return answered && said.claim == Claim::not_leader; }
  /// A member that never answered may be one that leads.
  bool may_lead() const { return !known || said.may_lead; }
  bool votes() const { return known && said.votes; }
  /// Whom it takes for the leader: itself, whom it follows, or nobody (null).
  const std::string* names() const;
  const Reign* find_reign(std::uint64_t number) const;
};

/// Everybody who was asked or spoke. In the steady state it allocates nothing.
class Roster {
 public:
  void begin();
  /// Takes an answer in. Null when it was overtaken: its question went out before that of an answer that we
  /// already have.
  Member* hear(const LeadershipClaim& claim, Nanoseconds patience);
  Member& miss(const Unanswered& unanswered);
  void hear(const Membership& membership);

  void keep_only(const MemberNames& members);

  const Member* find(std::string_view name) const;
  std::vector<Member>& members() { return members_; }
  const std::vector<Member>& members() const { return members_; }
  /// When the first question of this round went out.
  SteadyTime round_began() const { return round_began_.value_or(SteadyTime{}); }

 private:
  Member& look_up(std::string_view name);
  void note_question(Member& member, const Asked& asked);
  void rule(Member& member, const LeadershipClaim& claim, Nanoseconds patience);

  // Names come from the network too. Beyond this number, those that nobody mentioned in the last round are
  // forgotten.
  static constexpr std::size_t kMostRemembered = 256;

  std::vector<Member> members_;
  std::size_t next_ = 0;  // members mostly speak in the same order
  std::uint64_t reigns_ = 0;
  std::optional<SteadyTime> round_began_;
};

}  // namespace qw::signals
