#include "probes/signals/partition_choice.hpp"

#include <algorithm>
#include <array>

namespace qw::signals {
namespace {

/// What can befall one partition beside its healthy siblings. One that could not be asked is its broker's
/// trouble, and rebalances are the group's.
bool in_trouble(ConsumerStatus status) {
  switch (status) {
    case ConsumerStatus::truncated:
    case ConsumerStatus::lossy:
    case ConsumerStatus::stopped:
    case ConsumerStatus::stalled:
    case ConsumerStatus::blocked:
    case ConsumerStatus::rewound:
    case ConsumerStatus::slow:
      return true;
    default:
      return false;
  }
}

}  // namespace

void choose_partitions(const Group& group, Consumer& consumer, const ConsumerDetail& detail) {
  const auto now = group.asked.received;
  std::array<std::size_t, kConsumerStatuses> counts{};
  for (const auto& place : consumer.places) ++counts[static_cast<std::size_t>(place.status)];

  std::vector<Place*> behind;
  for (auto& place : consumer.places) {
    const bool alone = counts[static_cast<std::size_t>(place.status)] * 2 <= consumer.places.size();
    if (in_trouble(place.status) && alone) {
      place.shown = true;
      place.shown_since = now;
    } else if (place.lag > 0 && place.dated && now - place.latest >= detail.window / 6) {
      behind.push_back(&place);
    }
    if (place.shown && now - place.shown_since >= detail.window) place.shown = false;
  }
  // Who has a place keeps it against one that is hardly worse.
  const auto few = std::min<std::size_t>(detail.worst_partitions, behind.size());
  std::ranges::partial_sort(
      behind, behind.begin() + static_cast<std::ptrdiff_t>(few), [now](const Place* a, const Place* b) {
        const auto badness = [now](const Place* p) { return (now - p->about) * (p->shown ? 5 : 4); };
        return badness(a) > badness(b);
      });
  for (std::size_t i = 0; i < few; ++i) {
    behind[i]->shown = true;
    behind[i]->shown_since = now;
  }
}

}  // namespace qw::signals
