#pragma once
#include "probes/signals/consumer_progress.hpp"

namespace qw::signals {

/// Chooses the partitions that have series of their own: the worst few of those that are truly behind, and
/// those whose trouble is not that of the whole group. One that was chosen stays for a window after it last
/// deserved it, so that series do not come and go.
void choose_partitions(const Group& group, Consumer& consumer, const ConsumerDetail& detail);

}  // namespace qw::signals
