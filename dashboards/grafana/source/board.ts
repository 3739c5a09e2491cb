// What all dashboards share: variables, annotations, links, and how rows are laid out.
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import { type Panel, SOURCE, link } from "./panels";
import { FIRING, of } from "./query";

const TAG = "quorumwatch";
/** Where the daemon's status page and its runbooks are, unless the viewer says otherwise. */
const STATUS_PAGE = "http://quorumwatch:10979";

export interface Row {
  title: string;
  panels: Panel[];
}

export interface Board {
  /** The file's name, and after "quorumwatch-" the uid. */
  name: string;
  title: string;
  /** The questions that it answers. */
  question: string;
  variables?: dashboard.QueryVariableBuilder[];
  rows: Row[];
}

/** A variable with the values of a label: several may be chosen, and at first all are. */
export function choice(name: string, label: string, family: string): dashboard.QueryVariableBuilder {
  const query = `label_values(${family}, ${name})`;
  return new dashboard.QueryVariableBuilder(name)
    .label(label)
    .datasource(SOURCE)
    .query(query)
    .definition(query)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.NaturalAsc)
    .multi(true)
    .includeAll(true)
    .allValue(".*")
    .current({ text: ["All"], value: ["$__all"] });
}

export function build(board: Board): dashboard.Dashboard {
  const builder = new dashboard.DashboardBuilder(`quorumwatch / ${board.title}`)
    .id(null)
    .uid(`quorumwatch-${board.name}`)
    .description(board.question)
    .tags([TAG])
    .readonly()
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .time({ from: "now-1h", to: "now" })
    .timezone("browser")
    .refresh("30s")
    .links(links())
    .variables([...variables(), ...(board.variables ?? []), statusUrl()])
    .annotations(annotations());
  for (const row of board.rows) {
    builder.withRow(new dashboard.RowBuilder(row.title));
    for (const panel of row.panels) builder.withPanel(panel);
  }
  return numbered(builder.build());
}

/** Ids must differ within a dashboard, and be the same each time. */
function numbered(board: dashboard.Dashboard): dashboard.Dashboard {
  (board.panels ?? []).forEach((panel, index) => (panel.id = index + 1));
  return board;
}

function variables() {
  return [
    new dashboard.DatasourceVariableBuilder("datasource")
      .label("Data source")
      .type("prometheus")
      .current({ text: "default", value: "default" }),
    choice("system", "System", "quorumwatch_probe_success"),
    choice("target", "Target", 'quorumwatch_probe_success{system=~"$system"}'),
  ];
}

function statusUrl() {
  return new dashboard.TextBoxVariableBuilder("status_url")
    .label("Status page")
    .description("Where the links to runbooks and to the status page lead.")
    .defaultValue(STATUS_PAGE)
    .current({ text: STATUS_PAGE, value: STATUS_PAGE });
}

function annotations() {
  const elections = `increase(${of("quorumwatch_leader_elections_total")}[$__rate_interval]) > 0`;
  return [
    annotation("Leader changes", "blue", elections, "{{system}} {{target}}: election ({{cause}})"),
    annotation("Firing alerts", "red", FIRING, "{{alertname}}: {{system}} {{target}} {{member}}{{consumer_group}}"),
  ];
}

function annotation(name: string, colour: string, expression: string, title: string) {
  return new dashboard.AnnotationQueryBuilder()
    .name(name)
    .datasource(SOURCE)
    .enable(true)
    .hide(false)
    .iconColor(colour)
    .expr(expression)
    .titleFormat(title)
    .step("30s");
}

function links() {
  const others = new dashboard.DashboardLinkBuilder("quorumwatch")
    .type(dashboard.DashboardLinkType.Dashboards)
    .tags([TAG])
    .asDropdown(true)
    .includeVars(true)
    .keepTime(true);
  const page = link("Status page", "${status_url:raw}/", "What the daemon itself says, also while Prometheus is down");
  return [others, page.targetBlank(true)];
}
