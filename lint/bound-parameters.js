// SQL text is written, never put together: a value reaches PostgreSQL as a bound parameter only.

/** Methods that take SQL text, and which of their arguments hold it. */
const SQL_ARGUMENTS = {
  query: [0],
  where: [0],
  andWhere: [0],
  orWhere: [0],
  having: [0],
  andHaving: [0],
  orHaving: [0],
  select: [0],
  addSelect: [0],
  orderBy: [0, 1],
  addOrderBy: [0, 1],
  groupBy: [0],
  addGroupBy: [0],
  innerJoin: [2],
  leftJoin: [2],
  innerJoinAndSelect: [2],
  leftJoinAndSelect: [2],
  returning: [0],
};
const RAW_VALUES = new Set(['set', 'values']);
const ESCAPES = new Set(['escapeIdentifier', 'escapeLiteral']);
const CONSTANT = /^[A-Z][A-Z0-9_]*$/;

/** @param {any} node */
const methodOf = (node) =>
  node.callee.type === 'MemberExpression' && !node.callee.computed
    ? node.callee.property.name
    : undefined;

/** Text that stands in the source: a literal, a constant, or a look-up in a constant. */
/** @param {any} node @returns {boolean} */
function isWritten(node) {
  switch (node.type) {
    case 'Literal':
    case 'ObjectExpression':
      return true;
    case 'TemplateLiteral':
      return node.expressions.every(isEscaped);
    case 'ArrayExpression':
      return node.elements.every(isWritten);
    case 'Identifier':
      return CONSTANT.test(node.name);
    case 'MemberExpression':
      return isWritten(node.object);
    case 'TSAsExpression':
      return isWritten(node.expression);
    default:
      return false;
  }
}

/** Names cannot be bound: in DDL they pass through the driver's own escape, at the place. */
/** @param {any} node */
const isEscaped = (node) => node.type === 'CallExpression' && ESCAPES.has(methodOf(node));

/** @param {any} node */
const isFunction = (node) => /^(Arrow)?Function/.test(node.type);

export default {
  meta: {
    messages: {
      written: 'SQL text must be a literal or a constant; bind values as parameters.',
      raw: 'A function here becomes raw SQL: it may only return a literal.',
    },
  },
  /** @param {any} context */
  create(context) {
    return {
      /** @param {any} node */
      CallExpression(node) {
        const method = methodOf(node);
        const places = Object.hasOwn(SQL_ARGUMENTS, method ?? '')
          ? SQL_ARGUMENTS[/** @type {keyof typeof SQL_ARGUMENTS} */ (method)]
          : [];
        for (const place of places) {
          const argument = node.arguments[place];
          if (argument && !isWritten(argument))
            context.report({ node: argument, messageId: 'written' });
        }
        if (RAW_VALUES.has(method ?? '')) checkRawValues(context, node.arguments[0]);
      },
      /** @param {any} node */
      TaggedTemplateExpression(node) {
        const name = node.tag.property?.name ?? node.tag.name;
        if (name !== 'sql') return;
        for (const part of node.quasi.expressions) {
          if (isFunction(part)) context.report({ node: part, messageId: 'raw' });
        }
      },
    };
  },
};

/** @param {any} context @param {any} values */
function checkRawValues(context, values) {
  for (const property of values?.properties ?? []) {
    const { value } = property;
    if (value && isFunction(value) && !isWritten(value.body))
      context.report({ node: value, messageId: 'raw' });
  }
}
