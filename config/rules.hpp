#pragma once
#include <map>
#include <string>
#include <vector>

#include "config/fields.hpp"

namespace qw::config {

/// The key `rules` of the file: the rule files that the daemon evaluates by itself.
struct RulesOptions {
  std::vector<std::string> files;  ///< names or patterns with * and ?, relative to the file
  Nanoseconds interval = std::chrono::seconds(5);
  Nanoseconds query_offset{0};
  std::string no_data = "keep";
  Nanoseconds history = std::chrono::minutes(5);
  std::string external_url;                          ///< empty: http://HOST:PORT of the daemon
  std::map<std::string, std::string> scrape_labels;  ///< as they are used: without any env:NAME
  bool operator==(const RulesOptions&) const = default;
};

/// Declares the root key.
void rules_fields(Fields& fields, RulesOptions& options);

}  // namespace qw::config
