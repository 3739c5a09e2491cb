#include "daemon/base/text.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "daemon/base/utf8.hpp"

namespace qw {
namespace {

template <class Number>
std::optional<Number> parse_number(std::string_view text, int base) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto done = std::from_chars(text.data(), end, number, base);
  if (done.ec != std::errc() || done.ptr != end) return std::nullopt;
  return number;
}

constexpr std::string_view kBlanks = " \t\r\n\v\f";

// Longer words are no typing mistakes, and the distance costs the product of both lengths.
constexpr std::size_t kLongestWord = 64;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Damerau-Levenshtein in its restricted form (optimal string alignment): insert, delete, replace, swap two
// neighbours. Upper and lower case are the same, as `Interval` is a likely mistake for `interval`.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before_last.swap(last);
    last.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0U : 1U)});
      const bool swapped =
          i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

std::optional<std::uint64_t> parse_uint64(std::string_view text) {
  return parse_number<std::uint64_t>(text, 10);
}

std::optional<std::uint64_t> parse_hex_uint64(std::string_view text) {
  return parse_number<std::uint64_t>(text, 16);
}

std::optional<std::int64_t> parse_int64(std::string_view text) {
  return parse_number<std::int64_t>(text, 10);
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.size() > kLongestWord) return std::nullopt;
  std::optional<std::string_view> best;
  std::size_t allowed = word.size() / 3;
  for (const auto candidate : candidates) {
    if (candidate.size() > kLongestWord) continue;
    const std::size_t d = distance(word, candidate);
    // Of equally near candidates the first one wins, so that a message does not depend on anything but the
    // table.
    if (d > allowed || (best && d == allowed)) continue;
    best = candidate;
    allowed = d;
  }
  return best;
}

std::string sanitize(std::string_view text, std::size_t max_bytes) {
  static constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::string clean;
  clean.reserve(std::min(text.size(), max_bytes));
  while (!text.empty()) {
    const CodePoint at = next_code_point(text);
    std::string_view bytes = at.valid ? text.substr(0, at.size) : kReplacement;
    if (at.valid && is_control(at.value)) bytes = " ";
    if (clean.size() + bytes.size() > max_bytes) break;
    clean += bytes;
    text.remove_prefix(at.size);
  }
  return clean;
}

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const CodePoint at = next_code_point(text);
    if (!at.valid) return false;
    text.remove_prefix(at.size);
  }
  return true;
}

std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211ULL;
  }
  return hash;
}

bool is_label_name(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !text.empty() && letter(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

}  // namespace qw
