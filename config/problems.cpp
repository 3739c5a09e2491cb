#include "config/problems.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "daemon/base/text.hpp"

namespace qw::config {

std::string Problem::print() const {
  std::string place = file;
  if (line > 0) place += fmt::format(":{}:{}", line, column);
  return fmt::format("{}: {}{}{}", place, path, path.empty() ? "" : ": ", text);
}

void Problems::add(Place place, std::string_view path, std::string_view text) {
  ++count_;
  if (full()) return;
  found_.push_back({.file = file_,
                    .line = place.line,
                    .column = place.column,
                    .path = std::string(path),
                    .text = std::string(text)});
}

std::vector<Problem> Problems::take() {
  const auto order = [](const Problem& p) { return std::tie(p.line, p.column, p.path, p.text); };
  const auto same = [](const Problem& a, const Problem& b) {
    return a.line == b.line && a.column == b.column && a.text == b.text;
  };
  const bool more = count_ > found_.size();
  std::ranges::sort(found_, [&](const Problem& a, const Problem& b) { return order(a) < order(b); });
  const auto rest = std::ranges::unique(found_, same);
  found_.erase(rest.begin(), rest.end());
  if (more) {
    found_.push_back({.file = file_,
                      .line = 0,
                      .column = 0,
                      .path = "",
                      .text = fmt::format("{} problems; only the first {} that were found are listed", count_,
                                          kMaxRecorded)});
  }
  return std::move(found_);
}

std::string join_path(std::string_view path, std::string_view key) {
  if (path.empty()) return std::string(key);
  return key.empty() ? std::string(path) : fmt::format("{}.{}", path, key);
}

std::string join_path(std::string_view path, std::size_t index) {
  return fmt::format("{}[{}]", path, index);
}

std::string quote(std::string_view text, std::size_t longest) {
  return fmt::format("'{}{}'", sanitize(text, longest), text.size() > longest ? "..." : "");
}

}  // namespace qw::config
