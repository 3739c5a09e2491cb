#include "daemon/base/pattern.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <vector>

#include "daemon/base/utf8.hpp"

namespace qw {
namespace {

/// Bytes that one compiled expression may take; patterns come from rule files and from requests.
constexpr std::int64_t kMaxMemory = 1 << 20;

re2::StringPiece piece(std::string_view text) {
  return {text.data(), text.size()};
}

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

RE2::Options options() {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  options.set_max_mem(kMaxMemory);
  return options;
}

}  // namespace

struct Pattern::Compiled {
  explicit Compiled(std::string_view pattern) : text(pattern), regex(piece(pattern), options()) {
    if (!regex.ok()) return;
    groups = static_cast<std::size_t>(regex.NumberOfCapturingGroups()) + 1;
    names = regex.NamedCapturingGroups();
  }

  /// Appends what group `name` ("1" or "first") matched.
  void append_group(std::string& out, std::string_view name,
                    const std::vector<re2::StringPiece>& matched) const {
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc() || end != name.data() + name.size()) {
      const auto found = names.find(std::string(name));
      if (found == names.end()) return;
      number = static_cast<std::size_t>(found->second);
    }
    if (number < matched.size()) out.append(matched[number].data(), matched[number].size());
  }

  void append_expanded(std::string& out, std::string_view replacement,
                       const std::vector<re2::StringPiece>& matched) const {
    while (!replacement.empty()) {
      const auto dollar = replacement.find('$');
      out += replacement.substr(0, dollar);
      if (dollar == std::string_view::npos) return;
      replacement.remove_prefix(dollar + 1);
      if (replacement.starts_with('$')) {
        out += '$';
        replacement.remove_prefix(1);
        continue;
      }
      const bool braced = replacement.starts_with('{');
      const auto* const first = replacement.begin() + (braced ? 1 : 0);
      const auto* const last = std::find_if_not(first, replacement.end(), is_word);
      const bool whole = last != first && (!braced || (last != replacement.end() && *last == '}'));
      if (!whole) {
        out += '$';  // malformed: Go leaves it as it stands
        continue;
      }
      append_group(out, {first, last}, matched);
      replacement.remove_prefix(static_cast<std::size_t>(last - replacement.begin()) + (braced ? 1 : 0));
    }
  }

  std::string text;
  RE2 regex;
  std::size_t groups = 1;
  std::map<std::string, int> names;
};

Result<Pattern> Pattern::compile(std::string_view text) {
  auto compiled = std::make_shared<const Compiled>(text);
  if (!compiled->regex.ok()) return fail(ErrorKind::config, compiled->regex.error());
  Pattern pattern;
  pattern.compiled_ = std::move(compiled);
  return pattern;
}

const std::string& Pattern::text() const {
  return compiled_->text;
}

bool Pattern::matches(std::string_view value) const {
  return RE2::FullMatch(piece(value), compiled_->regex);
}

bool Pattern::found_in(std::string_view value) const {
  return RE2::PartialMatch(piece(value), compiled_->regex);
}

std::optional<std::string> Pattern::expand(std::string_view value, std::string_view replacement) const {
  std::vector<re2::StringPiece> matched(compiled_->groups);
  if (!compiled_->regex.Match(piece(value), 0, value.size(), RE2::ANCHOR_BOTH, matched.data(),
                              static_cast<int>(matched.size())))
    return std::nullopt;
  std::string out;
  compiled_->append_expanded(out, replacement, matched);
  return out;
}

std::string Pattern::replace_all(std::string_view value, std::string_view replacement) const {
  std::vector<re2::StringPiece> matched(compiled_->groups);
  std::string out;
  std::size_t last_end = 0;  // what lies before it is in `out`
  std::size_t from = 0;      // where the search goes on
  while (from <= value.size() && compiled_->regex.Match(piece(value), from, value.size(), RE2::UNANCHORED,
                                                        matched.data(), static_cast<int>(matched.size()))) {
    const auto begin = static_cast<std::size_t>(matched[0].data() - value.data());
    const auto end = begin + matched[0].size();
    out += value.substr(last_end, begin - last_end);
    // An empty match right behind another match is none, as in Go.
    if (end > last_end || begin == 0) compiled_->append_expanded(out, replacement, matched);
    last_end = end;
    // At least one character further, so that an empty match ends too.
    const auto step = from < value.size() ? next_code_point(value.substr(from)).size : 1;
    from = std::max(from + step, end);
  }
  if (last_end < value.size()) out += value.substr(last_end);
  return out;
}

}  // namespace qw
