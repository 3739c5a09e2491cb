#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "daemon/base/error.hpp"
#include "daemon/journal/event.hpp"

/// An event as one line of JSON, and back. Whatever a target said fits into a line of a few kilobytes.
namespace qw::journal {

inline constexpr std::size_t kMaxSubject = 256;
inline constexpr std::size_t kMaxText = 1000;
inline constexpr std::size_t kMaxEvidence = 24;
inline constexpr std::size_t kMaxEvidenceText = 300;
/// A longer line is none of ours.
inline constexpr std::size_t kMaxLine = 64U << 10U;

/// Cuts each text to its cap and makes it valid UTF-8 without control characters.
void make_safe(Event& event);

/// Without a line break; of an event that is safe, decode_event() makes the same again.
std::string encode_event(const Event& event);
/// Errors: protocol, for what is no line of ours. The event is safe.
Result<Event> decode_event(std::string_view line);

}  // namespace qw::journal
