package io.safegrad.trainer.data;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.exptest.ExpTest;
import com.hubspot.jinjava.lib.filter.Filter;
import com.hubspot.jinjava.util.ForLoop;
import java.beans.FeatureDescriptor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import jinjava.javax.el.ELContext;
import jinjava.javax.el.ELResolver;
import jinjava.javax.el.MethodNotFoundException;
import jinjava.javax.el.PropertyNotWritableException;

/**
 * The whole of what an expression of a template can reach: entries of maps, items of lists and
 * texts, the loop variable, and Python's methods of {@code str}, {@code dict} and {@code list}. It
 * stands in place of Jinjava's access to Java objects, so that no Java method can be called.
 */
final class PythonObjects extends ELResolver {

  /** Filters whose number says how much they write. */
  private static final Set<String> WIDTHS = Set.of("indent", "round", "tojson");

  private static final int MAX_WIDTH = 64;

  @Override
  public Object getValue(ELContext context, Object base, Object property) {
    context.setPropertyResolved(true);
    if (base instanceof Map<?, ?> map) {
      return map.get(String.valueOf(property));
    }
    if (base instanceof List<?> list) {
      return item(list, property);
    }
    if (base instanceof String text) {
      return sign(text, property);
    }
    if (base instanceof ForLoop loop) {
      return loopVariable(loop, String.valueOf(property));
    }
    return null;
  }

  /** Null, which templates see as undefined, when there is no such item. */
  private static Object item(List<?> list, Object property) {
    int index = index(property, list.size());
    return index < 0 ? null : list.get(index);
  }

  private static Object sign(String text, Object property) {
    int index = index(property, text.codePointCount(0, text.length()));
    return index < 0
        ? null
        : Character.toString(text.codePointAt(text.offsetByCodePoints(0, index)));
  }

  /** A place from the start; -1 when there is none. */
  private static int index(Object property, int size) {
    String text = String.valueOf(property);
    if (!text.matches("-?\\d{1,9}")) {
      return -1;
    }
    int index = Integer.parseInt(text);
    int fromStart = index < 0 ? index + size : index;
    return fromStart < 0 || fromStart >= size ? -1 : fromStart;
  }

  private static Object loopVariable(ForLoop loop, String name) {
    return switch (name) {
      case "index" -> loop.getIndex();
      case "index0" -> loop.getIndex0();
      case "revindex" -> loop.getRevindex();
      case "revindex0" -> loop.getRevindex0();
      case "first" -> loop.isFirst();
      case "last" -> loop.isLast();
      case "length" -> loop.getLength();
      case "depth" -> loop.getDepth();
      case "depth0" -> loop.getDepth0();
      default -> throw new MethodNotFoundException("loop has no " + name);
    };
  }

  @Override
  public Object invoke(
      ELContext context, Object base, Object method, Class<?>[] types, Object[] arguments) {
    context.setPropertyResolved(true);
    String name = String.valueOf(method);
    if (base instanceof Filter filter && name.equals("filter")) {
      return filter(filter, arguments);
    }
    if (base instanceof ExpTest test) {
      Object[] rest = Arrays.copyOfRange(arguments, 2, arguments.length);
      JinjavaInterpreter interpreter = (JinjavaInterpreter) arguments[1];
      if (name.equals("evaluate")) {
        return test.evaluate(arguments[0], interpreter, rest);
      }
      if (name.equals("evaluateNegated")) {
        return test.evaluateNegated(arguments[0], interpreter, rest);
      }
    }
    if (base instanceof String text) {
      return PythonStrings.call(text, name, arguments);
    }
    if (base instanceof Map<?, ?> map) {
      return callDict(map, name, arguments);
    }
    if (base instanceof List<?> list) {
      return callList(list, name, arguments);
    }
    throw new MethodNotFoundException("a template cannot call " + name + " here");
  }

  /** The resolver before this one has put positional and named arguments apart. */
  @SuppressWarnings("unchecked")
  private static Object filter(Filter filter, Object[] arguments) {
    if (!AllowedFilters.contains(filter.getName())) {
      throw new MethodNotFoundException("the filter " + filter.getName() + " is not supported");
    }
    if (WIDTHS.contains(filter.getName())) {
      Stream.concat(
              Arrays.stream((Object[]) arguments[2]),
              ((Map<String, Object>) arguments[3]).values().stream())
          .forEach(PythonObjects::requireWidth);
    }
    return filter.filter(
        arguments[0],
        (JinjavaInterpreter) arguments[1],
        (Object[]) arguments[2],
        (Map<String, Object>) arguments[3]);
  }

  private static void requireWidth(Object argument) {
    if (argument instanceof Number width && Math.abs(width.doubleValue()) > MAX_WIDTH) {
      throw new IllegalStateException("expected a number up to " + MAX_WIDTH);
    }
  }

  private static Object callDict(Map<?, ?> map, String name, Object[] arguments) {
    return switch (name) {
      case "items" ->
          map.entrySet().stream()
              .map(entry -> (Object) Arrays.asList(entry.getKey(), entry.getValue()))
              .toList();
      case "keys" -> new ArrayList<Object>(map.keySet());
      case "values" -> new ArrayList<Object>(map.values());
      case "get" -> {
        Object value = map.get(String.valueOf(arguments[0]));
        yield value != null || arguments.length < 2 ? value : arguments[1];
      }
      default -> throw new MethodNotFoundException("dict has no " + name + " here");
    };
  }

  @SuppressWarnings("unchecked")
  private static Object callList(List<?> list, String name, Object[] arguments) {
    return switch (name) {
      case "append" -> {
        ((List<Object>) list).add(arguments[0]);
        yield null;
      }
      case "index" -> {
        int index = list.indexOf(arguments[0]);
        if (index < 0) {
          throw new IllegalStateException("the list has no such element");
        }
        yield index;
      }
      case "count" ->
          list.stream().filter(element -> Objects.equals(element, arguments[0])).count();
      case PythonSyntax.REVERSED_METHOD -> {
        List<Object> reversed = new ArrayList<>(list);
        Collections.reverse(reversed);
        yield reversed;
      }
      default -> throw new MethodNotFoundException("list has no " + name + " here");
    };
  }

  @Override
  public Class<?> getType(ELContext context, Object base, Object property) {
    return null;
  }

  @Override
  public void setValue(ELContext context, Object base, Object property, Object value) {
    throw new PropertyNotWritableException("a template cannot change " + property);
  }

  @Override
  public boolean isReadOnly(ELContext context, Object base, Object property) {
    return true;
  }

  @Override
  public Iterator<FeatureDescriptor> getFeatureDescriptors(ELContext context, Object base) {
    return Collections.emptyIterator();
  }

  @Override
  public Class<?> getCommonPropertyType(ELContext context, Object base) {
    return Object.class;
  }
}
