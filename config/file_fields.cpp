#include "config/file_fields.hpp"

#include <algorithm>

namespace qw::config {

void defaults_fields(Fields& fields, CommonFields& common) {
  fields.optional("interval", &common.interval,
                  "Time between two rounds of a target, at least 100ms. Default: 5s.");
  fields.optional(
      "timeout", &common.timeout,
      "Deadline of a whole round: resolving, connecting, asking, reading. Not longer than interval. "
      "Default: 2s, or the interval where that is shorter.");
}

void target_fields(Fields& fields, CommonFields& common) {
  fields.required("system", &common.system, "The kind of target: one of the headings below.");
  fields.required(
      "name", &common.name,
      "Its name in the label `target`, unique among the targets of its system: 1 to 128 of the characters "
      "a-z, A-Z, 0-9, '_', '.', ':' and '-'.");
  fields.optional("interval", &common.interval, "As in `defaults`, for this target.");
  fields.optional(
      "timeout", &common.timeout,
      "As in `defaults`, for this target. When it is left out, the default gives way to a shorter interval.");
  fields.optional("placement", Choice{&common.placement, {"every_node", kOneNode}},
                  "`every_node`: every daemon with this file asks the target, and sees it with its own eyes. "
                  "`one_node`: one of the daemons that `placement` lists, for what is the same seen from "
                  "anywhere and costs to ask, such as the lag of consumers.");
}

bool is_target_name(std::string_view name) {
  static constexpr std::size_t kLongest = 128;
  return !name.empty() && name.size() <= kLongest && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == ':' || c == '-';
  });
}

}  // namespace qw::config
