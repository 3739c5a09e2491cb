#include "daemon/base/name_filter.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

#include "daemon/base/text.hpp"

namespace qw {

struct NameFilter::Patterns {
  std::vector<std::unique_ptr<RE2>> include;
  std::vector<std::unique_ptr<RE2>> exclude;
};

namespace {

/// Bytes that one compiled expression may take; a pattern is the user's, and may be a mistake.
constexpr std::int64_t kMaxPatternMemory = 1 << 20;

Result<std::vector<std::unique_ptr<RE2>>> compile(const std::vector<std::string>& patterns) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxPatternMemory);
  std::vector<std::unique_ptr<RE2>> compiled;
  for (const auto& pattern : patterns) {
    auto made = std::make_unique<RE2>(pattern, options);
    if (!made->ok())
      return fail(ErrorKind::config, fmt::format("'{}': {}", sanitize(pattern), sanitize(made->error())));
    compiled.push_back(std::move(made));
  }
  return compiled;
}

bool any_matches(const std::vector<std::unique_ptr<RE2>>& patterns, std::string_view name) {
  return std::ranges::any_of(
      patterns, [name](const auto& pattern) { return RE2::FullMatch({name.data(), name.size()}, *pattern); });
}

}  // namespace

Result<NameFilter> NameFilter::make(const std::vector<std::string>& include,
                                    const std::vector<std::string>& exclude) {
  NameFilter filter;
  if (include.empty() && exclude.empty()) return filter;
  auto wanted = compile(include);
  if (!wanted) return std::unexpected(wanted.error());
  auto unwanted = compile(exclude);
  if (!unwanted) return std::unexpected(unwanted.error());
  auto patterns = std::make_shared<Patterns>();
  patterns->include = std::move(*wanted);
  patterns->exclude = std::move(*unwanted);
  filter.patterns_ = std::move(patterns);
  return filter;
}

bool NameFilter::wants(std::string_view name) const {
  if (!patterns_) return true;
  if (!patterns_->include.empty() && !any_matches(patterns_->include, name)) return false;
  return !any_matches(patterns_->exclude, name);
}

}  // namespace qw
