#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Small questions about text, asked in more than one folder.
namespace qw {

/// The whole of `text` as a decimal number; nothing for signs, blanks, rests or overflow.
std::optional<std::uint64_t> parse_uint64(std::string_view text);
std::optional<std::uint64_t> parse_hex_uint64(std::string_view text);
std::optional<std::int64_t> parse_int64(std::string_view text);

std::string_view trim(std::string_view text);
std::vector<std::string_view> split(std::string_view text, char separator);

/// The candidate that the user most likely meant, or nothing when none is near (Damerau-Levenshtein distance
/// of at most a third of the word's length).
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates);

/// Makes text from a target harmless in logs and labels: invalid UTF-8 becomes U+FFFD, control characters
/// become spaces, and it is cut at `max_bytes` on a character boundary.
std::string sanitize(std::string_view text, std::size_t max_bytes = 200);

bool is_valid_utf8(std::string_view text);

/// Whether Prometheus takes it for the name of a label (of the old, ASCII form): letters, digits and '_', no
/// digit first.
bool is_label_name(std::string_view text);

/// FNV-1a: a stable hash for phases and placement; the same on every machine and in every run.
std::uint64_t stable_hash(std::string_view text);

}  // namespace qw
