// The kinds of panel that the dashboards are made of. Each says what it means and what it means that it is empty.
import * as common from "@grafana/grafana-foundation-sdk/common";
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder, PromQueryFormat } from "@grafana/grafana-foundation-sdk/prometheus";
import * as heat from "@grafana/grafana-foundation-sdk/heatmap";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as StatesBuilder } from "@grafana/grafana-foundation-sdk/statetimeline";
import { PanelBuilder as TableBuilder } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as LinesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import { type Rule, thresholds } from "./rules";

export type Panel = StatBuilder | LinesBuilder | StatesBuilder | TableBuilder | heat.PanelBuilder;

export const SOURCE: common.DataSourceRef = { type: "prometheus", uid: "${datasource}" };
/** What stands where a number would, when nothing is known. */
const UNKNOWN = "unknown";

export interface About {
  title: string;
  /** What the panel tells. */
  is: string;
  /** What it means that it, or a series of it, is not there. */
  absent: string;
  unit?: string;
  /** Of 24. */
  width?: number;
  height?: number;
  /** The alerts whose thresholds the panel shows and whose runbooks it links. */
  alerts?: Rule[];
  /** Whose runbooks it links besides, though they fire by something else than this panel's number. */
  runbooks?: Rule[];
  /** The name of the dashboard that shows more. */
  more?: string;
  decimals?: number;
  /** Whether what is below 0 is as usual as what is above. */
  signed?: boolean;
}

/** An expression, and how its series are called. */
export type Query = [expression: string, legend: string];
/** A number, what it means, and its colour. */
export type Word = [value: number, text: string, color: string];

const COLOURED_CELL: common.TableColoredBackgroundCellOptions = {
  ...common.defaultTableColoredBackgroundCellOptions(),
  mode: common.TableCellBackgroundDisplayMode.Basic,
};

export const NO_YES: Word[] = [[0, "no", "green"], [1, "YES", "red"]];

/** One number each, as it is now. */
export function stat(about: About, ...queries: Query[]): StatBuilder {
  return dressed(new StatBuilder(), { width: 4, height: 4, ...about })
    .targets(queries.map(([expr, legend], index) => query(expr, legend, index).instant()))
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(["lastNotNull"]).values(false))
    .graphMode(common.BigValueGraphMode.None)
    .colorMode(common.BigValueColorMode.Value)
    .textMode(common.BigValueTextMode.Auto);
}

/** The same in words. */
export function verdict(about: About, words: Word[], ...queries: Query[]): StatBuilder {
  return stat(about, ...queries).mappings(mappings(words));
}

/** Lines over time. A gap is what was not known. */
export function lines(about: About, ...queries: Query[]): LinesBuilder {
  const panel = dressed(new LinesBuilder(), about)
    .targets(queries.map(([expr, legend], index) => query(expr, legend, index).range()))
    .lineWidth(1)
    .fillOpacity(0)
    .showPoints(common.VisibilityMode.Never)
    .spanNulls(false)
    .legend(legend())
    .tooltip(tooltip());
  if (!about.signed) panel.axisSoftMin(0);
  if (about.alerts?.length)
    panel.thresholdsStyle(new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed));
  return panel;
}

/** How often something happened between two points: a minute or more, as windows overlap by one scrape and would count twice. */
export function bars(about: About, ...queries: Query[]): LinesBuilder {
  return lines(about, ...queries)
    .interval("1m")
    .drawStyle(common.GraphDrawStyle.Bars)
    .fillOpacity(70);
}

/** A strip for each series, whose colour and word is its state. */
export function states(about: About, words: Word[], ...queries: Query[]): StatesBuilder {
  return dressed(new StatesBuilder(), about)
    .targets(queries.map(([expr, legend], index) => query(expr, legend, index).range()))
    .mappings(mappings(words))
    .colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.Thresholds))
    .showValue(common.VisibilityMode.Auto)
    .mergeValues(true)
    .rowHeight(0.85)
    .fillOpacity(75)
    .lineWidth(0)
    .spanNulls(false)
    .legend(legend().showLegend(false))
    .tooltip(tooltip());
}

/** A line for each series, with the labels in `columns`; its value is of no interest. */
export function table(about: About, columns: string[], expression: string): TableBuilder {
  return dressed(new TableBuilder(), about)
    .targets([query(expression, "", 0).instant().format(PromQueryFormat.Table)])
    .withTransformation({
      id: "organize",
      options: {
        excludeByName: { Time: true, Value: true },
        indexByName: Object.fromEntries(columns.map((name, index) => [name, index])),
        renameByName: {},
      },
    });
}

/** A cell for each pair of two labels, coloured by its value. */
export function matrix(about: About, row: string, column: string, expression: string): TableBuilder {
  return dressed(new TableBuilder(), about)
    .targets([query(expression, "", 0).instant().format(PromQueryFormat.Table)])
    .colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.ContinuousGrYlRd))
    .cellOptions(COLOURED_CELL)
    .withTransformation({
      id: "groupingToMatrix",
      options: { rowField: row, columnField: column, valueField: "Value", emptyValue: "null" },
    });
}

/** A histogram over time. `expression` gives the increase of each bucket. */
export function heatmap(about: About, expression: string): heat.PanelBuilder {
  return dressed(new heat.PanelBuilder(), about)
    .targets([query(expression, "{{le}}", 0).range().format(PromQueryFormat.Heatmap)])
    .calculate(false)
    .color(new heat.HeatmapColorOptionsBuilder().mode(heat.HeatmapColorMode.Scheme).scheme("Blues").steps(32).reverse(false))
    .yAxis(new heat.YAxisConfigBuilder().unit(about.unit ?? ""));
}

/** What all kinds have. */
function dressed<P extends Panel>(panel: P, about: About): P {
  const { alerts = [], runbooks = [] } = about;
  panel
    .title(about.title)
    .description(`${about.is}\n\nAbsent: ${about.absent}`)
    .datasource(SOURCE)
    .span(about.width ?? 12)
    .height(about.height ?? 8)
    .noValue(UNKNOWN)
    .thresholds(new dashboard.ThresholdsConfigBuilder().mode(dashboard.ThresholdsMode.Absolute).steps(thresholds(alerts)))
    .links([...(about.more ? [drillDown(about.more)] : []), ...[...alerts, ...runbooks].map(runbook)]);
  if (about.unit !== undefined) panel.unit(about.unit);
  if (about.decimals !== undefined) panel.decimals(about.decimals);
  return panel;
}

function query(expr: string, legend: string, index: number): DataqueryBuilder {
  return new DataqueryBuilder()
    .refId(String.fromCharCode("A".charCodeAt(0) + index))
    .datasource(SOURCE)
    .expr(expr)
    .legendFormat(legend);
}

function mappings(words: Word[]): dashboard.ValueMapping[] {
  const options = Object.fromEntries(words.map(([value, text, color], index) => [String(value), { text, color, index }]));
  return [{ type: dashboard.MappingType.ValueToText, options }];
}

function legend() {
  return new common.VizLegendOptionsBuilder()
    .showLegend(true)
    .displayMode(common.LegendDisplayMode.Table)
    .placement(common.LegendPlacement.Bottom)
    .calcs(["lastNotNull", "max"]);
}

function tooltip() {
  return new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending);
}

function runbook(rule: Rule): dashboard.DashboardLinkBuilder {
  return link(`Runbook: ${rule.name}`, `\${status_url:raw}/runbooks/${rule.name}`, rule.summary).targetBlank(true);
}

function drillDown(name: string): dashboard.DashboardLinkBuilder {
  const chosen = "${__url_time_range}&${datasource:queryparam}&${system:queryparam}&${target:queryparam}";
  return link("More about it", `/d/quorumwatch-${name}?${chosen}`, "");
}

/** A link out of a panel or of a dashboard. */
export function link(title: string, url: string, hint: string): dashboard.DashboardLinkBuilder {
  return new dashboard.DashboardLinkBuilder(title).type(dashboard.DashboardLinkType.Link).url(url).tooltip(hint).icon("external link");
}
