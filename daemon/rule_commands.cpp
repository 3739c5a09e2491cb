#include "daemon/rule_commands.hpp"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <ostream>

#include "config/document.hpp"
#include "config/files.hpp"
#include "daemon/net/http_client.hpp"
#include "daemon/reference.hpp"
#include "daemon/rule_files.hpp"
#include "daemon/rules/rule_check.hpp"
#include "daemon/rules/rule_test.hpp"
#include "daemon/rules/template_builtins.hpp"

namespace qw {
namespace {

constexpr int kBadUsage = 2;

std::size_t count_rules(const std::vector<rules::RuleGroup>& groups) {
  std::size_t sum = 0;
  for (const auto& group : groups) sum += group.rules.size();
  return sum;
}

rules::RuleTestFiles files_beside(const std::string& file) {
  return {
      .expand =
          [file](const std::string& pattern) { return expand_pattern(config::resolve_path(pattern, file)); },
      .read = [](const std::string& name) { return config::read_text_file(name, config::kMaxText); }};
}

void print_failures(const rules::RuleTestOutcome& outcome, std::ostream& err) {
  for (const auto& problem : outcome.problems) err << "  " << problem.print() << '\n';
  for (const auto& failure : outcome.failures) err << "  " << failure << '\n';
}

/// Whether the file passes. Rule tests that were written for Prometheus 2 may count points at the left end of
/// ranges, which 3 and the daemon leave out; such a file passes, and is told of.
bool test_file(const std::string& file, const Flags& flags, std::ostream& out, std::ostream& err) {
  const auto text = config::read_text_file(file, config::kMaxText);
  if (!text) {
    err << file << ": FAILED\n  " << text.error().message() << '\n';
    return false;
  }
  const bool two = flags.promql_version == "2";
  const auto outcome = rules::run_rule_tests(*text, file, files_beside(file), {.prometheus2 = two});
  if (outcome.passed()) {
    out << fmt::format("{}: SUCCESS, {} test groups, {} expectations\n", file, outcome.groups,
                       outcome.expectations);
    return true;
  }
  if (flags.promql_version.empty() && outcome.problems.empty()) {
    const auto other = rules::run_rule_tests(*text, file, files_beside(file), {.prometheus2 = true});
    if (other.passed()) {
      out << fmt::format("{}: SUCCESS, {} test groups, {} expectations\n", file, other.groups,
                         other.expectations);
      err << fmt::format(
          "{}: warning: passes as Prometheus 2 evaluates, whose ranges have both ends; as Prometheus 3 and "
          "this daemon evaluate (--promql.version=3), {} expectations are not met\n",
          file, outcome.failures.size());
      return true;
    }
  }
  err << file << ": FAILED\n";
  print_failures(outcome, err);
  return false;
}

Task<void> ask(net::Net& net, const Clock& clock, net::HostPort to, std::string alert,
               Result<net::HttpReply>& into) {
  net::HttpClient client(net, clock, std::move(to), nullptr, net::HttpClient::Options());
  net::HttpRequest request("GET", "/api/v1/explain?alert=" + rules::query_escape(alert));
  const auto deadline = clock.steady() + std::chrono::seconds(10);
  into = co_await client.exchange(std::move(request), deadline);
}

}  // namespace

int check_rules_command(const Flags& flags, std::ostream& out, std::ostream& err) {
  const auto loaded = load_rules(flags.files);
  for (const auto& problem : loaded.problems) err << problem.print() << '\n';
  auto findings = rules::find_duplicate_rules(loaded.groups);
  const auto families = all_families();
  const auto checked = rules::check_rules(
      loaded.groups, families, std::chrono::duration_cast<std::chrono::milliseconds>(kMostKept).count());
  findings.insert(findings.end(), checked.begin(), checked.end());
  for (const auto& finding : findings) {
    auto text = finding;
    text.text = "warning: " + text.text;
    err << text.print() << '\n';
  }
  if (!loaded.problems.empty()) return kBadUsage;
  out << fmt::format("{} files good, {} rules, {} warnings\n", loaded.files.size(),
                     count_rules(loaded.groups), findings.size());
  return flags.lint_fatal && !findings.empty() ? 3 : 0;
}

int test_rules_command(const Flags& flags, std::ostream& out, std::ostream& err) {
  bool good = true;
  for (const auto& pattern : flags.files) {
    for (const auto& file : expand_pattern(pattern)) good = test_file(file, flags, out, err) && good;
  }
  out.flush();
  return good ? 0 : 1;
}

int explain_command(const Flags& flags, std::ostream& out, std::ostream& err) {
  asio::io_context io(1);
  const SystemClock clock;
  net::Resolver resolver(io.get_executor(), {});
  net::Net net(io.get_executor(), resolver);
  Result<net::HttpReply> reply = net::HttpReply();
  std::string bug;
  async::TaskGroup tasks(io.get_executor(),
                         [&bug](std::string_view /*task*/, const std::string& what) { bug = what; });
  auto to = flags.listen.front();
  if (to.host == "::" || to.host == "0.0.0.0") to.host = "127.0.0.1";
  tasks.spawn("explain", ask(net, clock, to, flags.target, reply));
  while (tasks.size() > 0) io.run_one();
  if (bug.empty() && reply && reply->status == 200) {
    out << reply->body;
    return 0;
  }
  const auto why = !bug.empty()           ? bug
                   : !reply               ? reply.error().message()
                   : reply->status == 404 ? reply->body
                                          : fmt::format("the daemon answered {}", reply->status);
  err << fmt::format("quorumwatch: {}: {}{}", to.print(), why, why.ends_with('\n') ? "" : "\n");
  return 1;
}

}  // namespace qw
