#pragma once
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "daemon/journal/event.hpp"

namespace qw::journal {

/// What began and has not ended, as events tell one after the other.
class OpenEvents {
 public:
  /// Further ones are not kept.
  static constexpr std::size_t kMost = 20'000;

  void take(const Event& event);
  /// The beginnings, in order of time. Of something that began again without an end, as after kill -9, the
  /// first.
  std::vector<Event> list() const;

 private:
  using Key = std::tuple<TargetId, Kind, std::string, std::string>;
  std::map<Key, Event> open_;
};

/// Whether both are about the same thing, whatever they say of it.
bool is_same(const Event& one, const Event& other);

/// The event that began it, without its evidence.
Event beginning_of(const Condition& condition);
/// The end of what `began` began; says how long it lasted.
Event end_of(const Event& began, WallTime at, std::string text,
             std::vector<std::pair<std::string, std::string>> evidence = {});

}  // namespace qw::journal
