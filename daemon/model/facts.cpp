#include "daemon/model/facts.hpp"

#include <iterator>

namespace qw {
namespace {

template <class T>
void move_to(std::vector<T>& to, std::vector<T>& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

void Facts::append(Facts&& other) {
  move_to(claims, other.claims);
  move_to(memberships, other.memberships);
  move_to(positions, other.positions);
  move_to(groups, other.groups);
  move_to(topics, other.topics);
  move_to(offsets, other.offsets);
  move_to(round_trips, other.round_trips);
  move_to(trains, other.trains);
  move_to(clocks, other.clocks);
  move_to(clock_states, other.clock_states);
  move_to(local_clocks, other.local_clocks);
  move_to(readings, other.readings);
  move_to(unanswered, other.unanswered);
}

}  // namespace qw
