#include "daemon/promql/selection_cache.hpp"

#include <string>
#include <unordered_map>

#include "daemon/promql/gathered.hpp"

namespace qw::promql {

struct SelectionCache::Impl {
  const Source& source;
  std::unordered_map<std::string, Selection> selections;
};

SelectionCache::SelectionCache(const Source& source)
    : impl_(std::make_unique<Impl>(Impl{.source = source, .selections = {}})) {}
SelectionCache::~SelectionCache() = default;

std::vector<Source::Series> SelectionCache::select(std::span<const store::Matcher> matchers, Millis from,
                                                   Millis to) const {
  return *fetch(matchers, from, to, Need::all);
}

Source::Selection SelectionCache::fetch(std::span<const store::Matcher> matchers, Millis from, Millis to,
                                        Need need) const {
  auto& selection = impl_->selections[key_of(matchers, from, to, need)];
  if (!selection) selection = impl_->source.fetch(matchers, from, to, need);
  return selection;
}

}  // namespace qw::promql
