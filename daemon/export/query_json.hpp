#pragma once
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/promql/evaluator.hpp"
#include "daemon/store/store.hpp"

/// What the API answers, in the JSON of Prometheus' HTTP API.
namespace qw::exporting {

/// The text in quotes. What is no UTF-8 becomes U+FFFD.
void append_json(std::string& out, std::string_view text);
void append_json(std::string& out, const Labels& labels);

/// {"status":"success","data":...}; `data` is JSON.
std::string success_json(std::string_view data, const std::vector<std::string>& warnings = {},
                         const std::vector<std::string>& infos = {});
std::string error_json(std::string_view type, std::string_view message);

/// A whole answer to a query; more than `limit` series (0: any number) are cut off with a warning. `query` is
/// the text, for the places of warnings.
std::string answer_json(promql::Answer& answer, std::string_view query, std::size_t limit);

/// Names and values of labels: a list in order, cut off at `limit`.
std::string names_json(const std::set<std::string, std::less<>>& names, std::size_t limit);
std::string series_json(const std::set<Labels>& series, std::size_t limit);
/// Type and help of every metric of the snapshot, or of that one.
std::string metadata_json(const store::Snapshot& snapshot, std::string_view metric, std::size_t limit);
std::string buildinfo_json();

}  // namespace qw::exporting
