#pragma once
#include <cstdint>

#include "config/fields.hpp"

namespace qw::config {

/// The key `journal` of the file: how much is remembered of what changed.
struct JournalOptions {
  Nanoseconds max_age = std::chrono::days(14);
  std::uint64_t max_bytes = 64U << 20U;
  bool operator==(const JournalOptions&) const = default;
};

/// Declares the root key.
void journal_fields(Fields& fields, JournalOptions& options);

}  // namespace qw::config
