// Templates of labels and annotations: whatever they say, the expansion ends, is bounded, and is the same
// twice.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/rules/template.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qw::rules;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = Template::parse(text);
  if (!parsed) {
    if (parsed.error().offset > size || parsed.error().message.empty()) std::abort();
    return 0;
  }
  for (const auto& use : parsed->labels_used()) {
    if (use.offset >= size) std::abort();
  }
  auto about = std::make_shared<TemplateData>();
  about->labels = {{"__name__", "m"}, {"a", "1"}, {"b", "x y"}};
  about->value = 1.5;
  about->external_url = "http://h:1/p";
  const std::shared_ptr<const TemplateData> shared = std::move(about);
  const TemplateContext context{
      .alert = "X", .at = 1'643'114'203'000, .query = [](const std::string& query) {
        return query.empty()
                   ? qw::Result<QuerySamples>(QuerySamples())
                   : QuerySamples{std::make_shared<const QuerySample>(QuerySample{{{"id", query}}, 2})};
      }};
  const auto once = parsed->expand(shared, context), again = parsed->expand(shared, context);
  if (once.has_value() != again.has_value() || (once && *once != *again)) std::abort();
  if (once && once->size() > (1U << 20U)) std::abort();
  return 0;
}
