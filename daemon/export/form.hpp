#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/promql/ast.hpp"

namespace qw::exporting {

/// The parameters of a request: of its query, and of its body when that is a form.
class Form {
 public:
  /// "a=1&b=x%20y&b=z+z". What is no valid escape stands for itself.
  Form(std::string_view query, std::string_view body);

  /// The first of that name; empty where there is none. The body comes before the query, as in Go.
  std::string_view get(std::string_view name) const;
  std::vector<std::string> all(std::string_view name) const;

 private:
  void read(std::string_view text);

  std::vector<std::pair<std::string, std::string>> pairs_;
};

/// "1763718000.123" or "2026-11-21T09:40:00.123Z", as Prometheus' API has times.
std::optional<promql::Millis> parse_api_time(std::string_view text);
/// "15" (seconds), "0.5" or "5m".
std::optional<promql::Millis> parse_api_duration(std::string_view text);

}  // namespace qw::exporting
