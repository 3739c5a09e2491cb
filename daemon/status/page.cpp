#include "daemon/status/page.hpp"

#include <fmt/format.h>

#include "daemon/base/rfc3339.hpp"
#include "daemon/status/sections.hpp"

namespace qw::status {
namespace {

struct Writer {
  std::string_view id;
  void (*write)(const View& view, Html& html);
};
constexpr Writer kWriters[] = {
    {"part-wrong", write_wrong_now},         {"part-leaders", write_who_leads},
    {"part-replicas", write_replicas},       {"part-consumers", write_consumers},
    {"part-round-trips", write_round_trips}, {"part-clocks", write_clock_offsets},
    {"part-alerts", write_alert_list},       {"part-targets", write_target_list},
    {"part-placement", write_placement},     {"part-timeline", write_timeline},
};

}  // namespace

std::vector<Section> sections(const View& view) {
  std::vector<Section> out;
  for (const auto& [id, write] : kWriters) {
    Html html;
    {
      const auto part = html.in("div", {{"id", id}});
      write(view, html);
    }
    out.push_back({std::string(id), html.take()});
  }
  return out;
}

std::string page_head(std::string_view title, std::string_view live, WallTime now) {
  Html html;
  html.doctype();
  // The elements that end with the page are closed by page_tail().
  auto out = html.take() + R"(<html lang="en"><head>)";
  html.lone("meta", {{"charset", "utf-8"}});
  html.leaf("title", title);
  html.lone("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  html.lone("meta", {{"name", "color-scheme"}, {"content", "light dark"}});
  html.lone("link", {{"rel", "icon"}, {"href", "/status.svg"}});
  html.lone("link", {{"rel", "stylesheet"}, {"href", style_sheet_url()}});
  {
    const auto without_script = html.in("noscript");
    html.lone("meta", {{"http-equiv", "refresh"}, {"content", "10"}});
  }
  {
    const auto script = html.in("script", {{"src", script_url()}, {"defer", ""}});
  }
  out += html.take() + "</head>";
  out += fmt::format(R"(<body data-live="{}">)", escaped(live));
  html.leaf("a", {{"class", "skip"}, {"href", "#main"}}, "Skip to what is wrong now");
  {
    const auto header = html.in("header");
    {
      const auto name = html.in("p", {{"class", "name"}});
      html.leaf("a", {{"href", "/"}}, "quorumwatch");
    }
    const auto state = html.in("p", {{"id", "state"}, {"class", "soft"}});
    html.text("as of ");
    const auto full = format_time(now);
    html.leaf("time", {{"id", "as-of"}, {"datetime", full}}, format_time_of_day(now));
    html.text(" UTC ");
    html.leaf("span", {{"id", "connection"}, {"role", "status"}}, "");
  }
  return out + html.take() + R"(<main id="main" tabindex="-1">)";
}

std::string page_tail() {
  Html html;
  {
    const auto footer = html.in("footer");
    const auto nav = html.in("nav", {{"aria-label", "other views"}});
    html.leaf("a", {{"href", "/metrics"}}, "metrics");
    html.leaf("a", {{"href", "/api/v1/targets"}}, "targets as JSON");
    html.leaf("a", {{"href", "/api/v1/alerts"}}, "alerts as JSON");
    html.leaf("a", {{"href", "/api/v1/rules"}}, "rules as JSON");
    html.leaf("span", {{"class", "soft"}}, "all times are UTC");
  }
  return "</main>" + html.take() + "</body></html>\n";
}

}  // namespace qw::status
