#pragma once
#include <cstdint>

#include "daemon/base/time.hpp"
#include "daemon/model/consumers.hpp"

namespace qw::signals {

/// What is known of a group's progress in one partition, for a judgement.
struct ConsumerEvidence {
  // The log.
  bool end_known = true;
  bool leaderless = false;
  bool recreated = false;         ///< within the window
  bool beyond_end = false;        ///< committed beyond the end
  bool lost = false;              ///< messages that it had not read are gone, now or within the window
  bool open_transaction = false;  ///< all that it may read is read, and the same transaction stays open
  /// The one message that waits may be the mark at the end of a transaction, which nobody reads.
  bool perhaps_a_mark = false;
  // The group.
  bool members_known = false, has_members = false;
  bool assigned = true;                  ///< false: it has members, and the partition is not any one's
  bool rebalancing = false;              ///< now, or again and again
  bool commits_without_members = false;  ///< it has been seen to: a consumer that shares out nothing
  // Its progress.
  bool rewound = false;  ///< within the window
  std::uint64_t lag = 0;
  Nanoseconds lag_age{};       ///< of the oldest message that it has not read, at least
  unsigned looks = 0;          ///< since we know it
  unsigned frozen_looks = 0;   ///< in a row in which messages waited and the commit was the one before
  Nanoseconds frozen{};        ///< since when
  unsigned growing_looks = 0;  ///< in a row in which it read clearly less than came in
  bool not_shrinking = false;  ///< the lag is no smaller than half a window ago
  // What is usual.
  Nanoseconds usual_gap{};  ///< the longest between two commits, lately
  Nanoseconds interval{};   ///< between looks
  Nanoseconds window{};
};

/// Never anything but ok while nothing waits and nothing has happened.
ConsumerStatus judge(const ConsumerEvidence& evidence);

}  // namespace qw::signals
