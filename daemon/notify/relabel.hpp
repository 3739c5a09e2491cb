#pragma once
#include <string>
#include <vector>

#include "daemon/base/pattern.hpp"
#include "daemon/model/labels.hpp"

namespace qw::notify {

/// One step of Prometheus' relabelling, applied to the labels of an alert.
struct RelabelRule {
  enum class Action : std::uint8_t {
    replace,
    keep,
    drop,
    labeldrop,
    labelkeep,
    labelmap,
    lowercase,
    uppercase
  };
  Action action = Action::replace;
  std::vector<std::string> source_labels;
  std::string separator = ";";
  Pattern regex;  ///< matches the whole of the joined source labels (of each label's name for labeldrop and
                  ///< so on)
  std::string target_label;  ///< of replace, lowercase, uppercase; may hold $1 in replace
  std::string replacement = "$1";
};

/// Nothing for a word that is no action.
std::optional<RelabelRule::Action> relabel_action(std::string_view word);

/// Applies the steps in order; false: the alert is dropped. Labels that come out empty are gone.
bool relabel(const std::vector<RelabelRule>& rules, Labels& labels);

}  // namespace qw::notify
