// Any bytes as the parameters of a query: a request within its bounds, or an error that can be told.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/export/query_json.hpp"
#include "daemon/export/query_request.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qw::exporting;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto half = size / 2;
  const Form form(text.substr(0, half), text.substr(half));
  const QuerySettings settings;
  for (const bool range : {false, true}) {
    const auto request = read_query(form, range, 1000, settings);
    if (!request) {
      if (error_json(request.error().type, request.error().message).size() < 20) std::abort();
      continue;
    }
    const auto& times = request->times;
    if (!request->expr || request->timeout > settings.timeout || times.end < times.start) std::abort();
    if (range && (times.end - times.start) / times.step > 11'000) std::abort();
  }
  if (const auto request = read_series_request(form, true); request && request->matchers.empty())
    std::abort();
  return 0;
}
