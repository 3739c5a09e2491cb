#include "config/journal.hpp"

#include <fmt/format.h>

namespace qw::config {
namespace {

constexpr std::uint64_t kLeastBytes = 1U << 20U;
constexpr std::uint64_t kMostBytes = std::uint64_t(64) << 30U;

void section(Fields& fields, JournalOptions& options) {
  fields.optional("max_age", &options.max_age, "Files whose last event is older are deleted.");
  fields.check("max_age",
               options.max_age >= std::chrono::hours(1) && options.max_age <= std::chrono::days(3650),
               "must lie between 1h and 3650d");
  fields.optional("max_bytes", &options.max_bytes,
                  "The files together never take more; the oldest go first. A busy day is about a megabyte.");
  fields.check("max_bytes", options.max_bytes >= kLeastBytes && options.max_bytes <= kMostBytes,
               fmt::format("must be {} to {}", kLeastBytes, kMostBytes));
}

}  // namespace

void journal_fields(Fields& fields, JournalOptions& options) {
  fields.object("journal",
                "What changed (elections, partitions, alerts) is remembered under --storage.path, for the "
                "status page and for `quorumwatch report`.",
                [&](Fields& keys) { section(keys, options); });
}

}  // namespace qw::config
