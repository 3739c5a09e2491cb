#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/base/text.hpp"
#include "daemon/export/page.hpp"

namespace qw::exporting {
namespace {

/// More ranges than any client sends; the rest of a longer header is not read.
constexpr std::size_t kMaxRanges = 32;

/// One element of Accept or Accept-Encoding (RFC 9110, 12.4.2): "text/plain;version=0.0.4;q=0.5".
struct Range {
  std::string_view what;
  std::string_view version;
  double quality = 1;
};

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

double parse_quality(std::string_view text) {
  double quality = 0;
  const auto [end, problem] =
      std::from_chars(text.data(), text.data() + text.size(), quality, std::chars_format::fixed);
  const bool whole = problem == std::errc() && end == text.data() + text.size();
  // What can not be read is refused rather than preferred. The comparison is false for NaN.
  return whole && quality >= 0 && quality <= 1 ? quality : 0;
}

Range parse_range(std::string_view text) {
  Range range;
  bool first = true;
  for (auto part : split(text, ';')) {
    part = trim(part);
    const auto equals = part.find('=');
    if (std::exchange(first, false)) {
      range.what = part;
    } else if (equals != std::string_view::npos) {
      const auto key = trim(part.substr(0, equals));
      auto value = trim(part.substr(equals + 1));
      if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
        value = value.substr(1, value.size() - 2);
      if (same_word(key, "q")) range.quality = parse_quality(value);
      if (same_word(key, "version")) range.version = value;
    }
  }
  return range;
}

std::vector<Range> parse_ranges(std::string_view header) {
  std::vector<Range> ranges;
  while (!header.empty() && ranges.size() < kMaxRanges) {
    const auto comma = std::min(header.find(','), header.size());
    ranges.push_back(parse_range(header.substr(0, comma)));
    header.remove_prefix(std::min(comma + 1, header.size()));
  }
  return ranges;
}

}  // namespace

PageFormat negotiate_format(std::string_view accept) {
  double open_metrics = 0;
  double text = 0;
  bool text_first = false;
  double anything = 0;
  for (const auto& range : parse_ranges(accept)) {
    if (same_word(range.what, "application/openmetrics-text")) {
      const bool ours = range.version.empty() || range.version == "1.0.0";
      if (ours) open_metrics = std::max(open_metrics, range.quality);
    } else if (same_word(range.what, "text/plain")) {
      const bool ours = range.version.empty() || range.version == "0.0.4";
      if (ours && range.quality > text) {
        text = range.quality;
        text_first = open_metrics == 0;
      }
    } else if (range.what == "*/*" || same_word(range.what, "text/*")) {
      anything = std::max(anything, range.quality);
    }
  }
  // A wildcard never asks for OpenMetrics (curl sends one), but it does not outrank an equal explicit wish
  // for it either.
  const bool beats_text = open_metrics > text || (open_metrics == text && !text_first);
  return open_metrics > 0 && beats_text && open_metrics >= anything ? PageFormat::open_metrics
                                                                    : PageFormat::text;
}

bool accepts_gzip(std::string_view accept_encoding) {
  std::optional<double> gzip;
  std::optional<double> anything;
  for (const auto& range : parse_ranges(accept_encoding)) {
    if (same_word(range.what, "gzip") || same_word(range.what, "x-gzip")) gzip = range.quality;
    if (range.what == "*") anything = range.quality;
  }
  return gzip.value_or(anything.value_or(0)) > 0;
}

std::string_view content_type(PageFormat format) {
  return format == PageFormat::open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                            : "text/plain; version=0.0.4; charset=utf-8";
}

}  // namespace qw::exporting
