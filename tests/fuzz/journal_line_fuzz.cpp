// A line of the journal: what is accepted is safe, and is the same when it is written and read again. What is
// read goes into a report, in which nothing of it may be more than text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/base/text.hpp"
#include "daemon/journal/event_json.hpp"
#include "daemon/journal/report.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto event = qw::journal::decode_event(bytes);
  if (!event) return 0;
  const auto line = qw::journal::encode_event(*event);
  if (line.size() > qw::journal::kMaxLine || line.find('\n') != std::string::npos) std::abort();
  const auto again = qw::journal::decode_event(line);
  if (!again || *again != *event) std::abort();
  qw::journal::ReportOptions options;
  options.from = event->at;
  options.to = event->at + std::chrono::hours(1);
  const auto report = qw::journal::write_report({*event}, options);
  if (!qw::is_valid_utf8(report)) std::abort();
  for (std::size_t at = report.find('<'); at != std::string::npos; at = report.find('<', at + 1)) {
    if (at == 0 || report[at - 1] != '\\') std::abort();
  }
  return 0;
}
