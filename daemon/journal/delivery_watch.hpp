#pragma once
#include <map>
#include <span>
#include <string>
#include <vector>

#include "daemon/journal/event.hpp"
#include "daemon/model/alert.hpp"

namespace qw::journal {

/// Finds from the totals of each Alertmanager whether it takes alerts, stopped taking them, or has taken what
/// changed. Pure.
class DeliveryWatch {
 public:
  /// An alert began to fire or ended: the next time that nothing waits is worth telling.
  void alerts_changed();
  /// `silent`: alerts are left to a Prometheus (mode shadow).
  std::vector<Event> on_look(std::span<const Delivery> deliveries, bool silent, WallTime at);
  /// What an earlier run left open: it ends with the first success.
  void restore(std::span<const Event> open);

 private:
  struct Known {
    Delivery last;
    bool failing = false;           ///< it was told that it takes none
    bool owed = false;              ///< something changed that it has not acknowledged
    std::uint64_t sent_before = 0;  ///< when that changed
  };
  void look(Known& known, const Delivery& now, WallTime at, std::vector<Event>& out);

  std::map<std::string, Known> known_;
  bool silent_ = false;
  bool changed_ = false;  ///< ever
};

}  // namespace qw::journal
