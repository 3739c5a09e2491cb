#include "tests/promql/fix_times.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "daemon/promql/functions.hpp"

namespace qw::promql {
namespace {

class FixTimes {
 public:
  explicit FixTimes(Millis time) : time_(time) {}
  bool operator()(Expr& expr) {
    return std::visit([this](auto& node) { return this->node(node); }, expr.node);
  }

 private:
  bool node(Number& /*node*/) { return true; }
  bool node(String& /*node*/) { return true; }
  bool node(VectorSelector& node) { return fix(node.at); }
  bool node(MatrixSelector& node) { return fix(node.selector.at); }
  bool node(Subquery& node) {
    fix(node.at);
    // Inside, the instants are those of the subquery; only what looks at times matters there.
    FixTimes inside(time_);
    inside.touch_ = false;
    return inside(*node.expr);
  }
  bool node(Paren& node) { return (*this)(*node.expr); }
  bool node(Unary& node) { return (*this)(*node.expr); }
  bool node(Binary& node) {
    const bool left = (*this)(*node.left);
    return (*this)(*node.right) && left;
  }
  bool node(Aggregate& node) {
    const bool inner = (*this)(*node.expr);
    return (!node.parameter || (*this)(*node.parameter)) && inner;
  }
  bool node(Call& node) {
    constexpr std::string_view kLookAtTime[] = {
        "day_of_month", "day_of_week",    "day_of_year", "days_in_month", "hour", "minute",
        "month",        "predict_linear", "time",        "timestamp",     "year"};
    bool fixed = std::ranges::find(kLookAtTime, node.function->name) == std::end(kLookAtTime);
    for (auto& argument : node.arguments) fixed = (*this)(*argument) && fixed;
    return fixed;
  }
  bool fix(std::optional<At>& at) {
    if (touch_ && !at) at = At{.kind = At::Kind::time, .time = time_};
    return true;
  }

  Millis time_;
  bool touch_ = true;
};

}  // namespace

bool fix_times(Expr& expr, Millis time) {
  return FixTimes(time)(expr);
}

}  // namespace qw::promql
