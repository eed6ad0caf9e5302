// The charts of report.html as options of Apache ECharts, which Charts.java has loaded before this.
// Series differ by the shape or the filling of their dots and the dashes of their lines, not by colour alone.

const WIDTH = 360;
const INK = '#30363d';
const GRID = '#d0d4da';
const COLOURS = ['#0b57a4', '#8a4b00', '#00694a', '#7b2d7b', '#a3142b', '#4a4a4a', '#00687a'];
const SYMBOLS = ['circle', 'emptyCircle', 'rect', 'emptyRect', 'triangle', 'emptyTriangle', 'diamond'];
const DASHES = ['solid', 'dashed', 'dotted'];

// ECharts wants it for animations, which are off.
function setTimeout() {}

function svg(height, option) {
  const chart = echarts.init(null, null, {renderer: 'svg', ssr: true, width: WIDTH, height: height});
  chart.setOption(Object.assign({
    animation: false,
    color: COLOURS,
    textStyle: {fontFamily: 'system-ui, sans-serif', fontSize: 12, color: INK}
  }, option));
  const drawn = chart.renderToSVGString();
  chart.dispose();
  return drawn;
}

function axis(more) {
  return Object.assign({
    type: 'value',
    axisLine: {show: false},
    axisTick: {show: false},
    axisLabel: {color: INK, fontSize: 12, hideOverlap: true},
    splitLine: {lineStyle: {color: GRID}},
    nameTextStyle: {color: INK, fontSize: 12}
  }, more);
}

function shares() {
  return axis({
    min: 0,
    max: 1,
    interval: 0.25,
    axisLabel: {color: INK, fontSize: 12, formatter: share => Math.round(100 * share) + '%'}
  });
}

function legend(series) {
  return {
    show: series.length > 1,
    top: 0,
    left: 0,
    itemWidth: 28,
    itemGap: series.length > 2 ? 10 : 24,
    textStyle: {color: INK, fontSize: 12},
    data: series.map(each => each.name)
  };
}

function bar(from, to, colour) {
  return {
    type: 'line',
    shape: {x1: from[0], y1: from[1], x2: to[0], y2: to[1]},
    style: {stroke: colour, lineWidth: 2}
  };
}

// A divergence may be a rounding below 0, for which an axis needs no interval of its own; null leaves it to ECharts.
function roundedUp(data) {
  return data.min < 0 && -data.min < 0.01 * data.max ? 0 : null;
}

// A label has room for seven characters.
function figure(value) {
  const small = value !== 0 && Math.abs(value) < 1e-4;
  return small ? String(Number(value.toPrecision(2)).toExponential()) : echarts.format.addCommas(Number(value.toPrecision(6)));
}

// Figures over the steps: {unit, share, series: [{name, dots, points: [[step, value, low, high]]}]}, low and high null
// where a point has no interval. At most seven series, whose legend takes a row for each two; axis: what the figures
// are over, where it is not the steps.
function overSteps(json) {
  const data = JSON.parse(json);
  const lines = data.series.map((each, index) => ({
    name: each.name,
    type: 'line',
    clip: false,
    data: each.points.map(point => [point[0], point[1]]),
    showSymbol: each.dots || each.points.length === 1,
    showAllSymbol: true,
    symbol: SYMBOLS[index],
    symbolSize: 6,
    lineStyle: {width: 2, type: DASHES[index % DASHES.length]}
  }));
  const intervals = data.series.map((each, index) => ({
    type: 'custom',
    data: each.points.filter(point => point[2] !== null),
    z: 1,
    renderItem: (params, api) => bar(
        api.coord([api.value(0), api.value(2)]), api.coord([api.value(0), api.value(3)]), COLOURS[index])
  }));
  const rows = data.series.length > 1 ? Math.ceil(data.series.length / 2) : 0;
  return svg(200 + 20 * Math.max(1, rows), {
    legend: legend(data.series),
    grid: {left: 52, right: 14, top: 12 + 20 * rows, bottom: 40},
    xAxis: axis({
      min: 'dataMin',
      max: 'dataMax',
      minInterval: 1,
      name: data.axis || 'step',
      nameLocation: 'middle',
      nameGap: 24,
      splitLine: {show: false}
    }),
    yAxis: data.share ? shares() : axis({
      scale: true,
      splitNumber: 4,
      min: roundedUp,
      axisLabel: {color: INK, fontSize: 12, hideOverlap: true, formatter: figure}
    }),
    series: lines.concat(intervals)
  });
}

// Rates with their intervals, a row each: {names, series: [{name, rates: [[rate, low, high] or null]}]}.
function sideBySide(json) {
  const data = JSON.parse(json);
  const series = data.series.map((each, index) => ({
    name: each.name,
    type: 'custom',
    itemStyle: {color: COLOURS[index]},
    data: each.rates.map((rate, row) => rate === null ? null : [row].concat(rate)).filter(rate => rate !== null),
    encode: {y: 0, x: [1, 2, 3]},
    renderItem: (params, api) => {
      const offset = 16 * (index - (data.series.length - 1) / 2);
      const place = share => {
        const at = api.coord([share, api.value(0)]);
        return [at[0], at[1] + offset];
      };
      const dot = place(api.value(1));
      return {
        type: 'group',
        children: [
          bar(place(api.value(2)), place(api.value(3)), COLOURS[index]),
          {
            type: 'circle',
            shape: {cx: dot[0], cy: dot[1], r: 3.5},
            style: {fill: index === 0 ? '#fff' : COLOURS[index], stroke: COLOURS[index], lineWidth: 2}
          }
        ]
      };
    }
  }));
  return svg(40 + 44 * data.names.length + 28, {
    legend: Object.assign(legend(data.series), {
      icon: 'none',
      itemWidth: 0,
      show: true,
      formatter: name => (name === data.series[0].name ? '\u25CB ' : '\u25CF ') + name
    }),
    grid: {left: 100, right: 20, top: 32, bottom: 28},
    xAxis: shares(),
    yAxis: {
      type: 'category',
      data: data.names,
      inverse: true,
      axisLine: {show: false},
      axisTick: {show: false},
      axisLabel: {color: INK, fontSize: 12, width: 84, overflow: 'break'}
    },
    series: series
  });
}
