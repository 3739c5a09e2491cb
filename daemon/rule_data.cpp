#include "daemon/rule_data.hpp"

#include <boost/asio/post.hpp>

namespace qw {
namespace {

/// The loop is given back after this long.
constexpr Nanoseconds kSlice = std::chrono::milliseconds(1);
/// What is read between two looks at the clock: some 100 us.
constexpr std::size_t kPiece = 10'000;
/// More is not remembered from one rule to the next: 16 bytes a point.
constexpr std::size_t kMostPoints = 200'000;

}  // namespace

std::shared_ptr<const void> RuleData::begin() {
  store_.mark();
  points_ = 0;
  return std::make_shared<Taken>(std::exchange(taken_, {}));
}

Task<void> RuleData::breathe() {
  if (clock_.steady() - slice_ < kSlice) co_return;
  co_await asio::post(executor_, asio::use_awaitable);
  rested();
}

Task<void> RuleData::gather(const rules::ActiveGroup& group, std::vector<promql::Ask> asks,
                            promql::Gathered& into) {
  for (const auto& ask : asks) {
    const auto key = promql::key_of(ask.matchers, ask.from, ask.to, ask.need);
    auto known = taken_.find(key);
    if (known == taken_.end()) {
      promql::StoreFetch fetch(index_, line_, ask);
      while (!fetch.go_on(kPiece)) co_await breathe();
      auto taken = fetch.take();
      std::size_t points = 0;
      for (const auto& series : *taken) points += series.points.size();
      if (points_ + points > kMostPoints) {
        taken_.clear();
        points_ = 0;
      }
      points_ += points;
      known = taken_.emplace(key, std::move(taken)).first;
    }
    into.add(ask, group.view(known->second, ask));
    co_await breathe();
  }
}

}  // namespace qw
