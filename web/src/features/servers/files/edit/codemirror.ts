import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, LanguageSupport, StreamLanguage, syntaxHighlighting, type StreamParser } from '@codemirror/language'
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search'
import { Compartment, EditorState, type Extension } from '@codemirror/state'
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, keymap, lineNumbers } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { lineEnds, type Language } from './text'

/** Each language is a part of its own, fetched when a file is written in it. */
const LANGUAGES: Record<Language, () => Promise<Extension>> = {
  json: async () => (await import('@codemirror/lang-json')).json(),
  yaml: async () => (await import('@codemirror/lang-yaml')).yaml(),
  javascript: async () => (await import('@codemirror/lang-javascript')).javascript({ jsx: true }),
  typescript: async () => (await import('@codemirror/lang-javascript')).javascript({ jsx: true, typescript: true }),
  html: async () => (await import('@codemirror/lang-html')).html(),
  xml: async () => (await import('@codemirror/lang-xml')).xml(),
  css: async () => (await import('@codemirror/lang-css')).css(),
  python: async () => (await import('@codemirror/lang-python')).python(),
  markdown: async () => (await import('@codemirror/lang-markdown')).markdown(),
  toml: async () => stream((await import('@codemirror/legacy-modes/mode/toml')).toml),
  properties: async () => stream((await import('@codemirror/legacy-modes/mode/properties')).properties),
  shell: async () => stream((await import('@codemirror/legacy-modes/mode/shell')).shell),
}
const stream = (mode: StreamParser<unknown>): Extension => new LanguageSupport(StreamLanguage.define(mode))

/** Colours of the page's own theme; both of them reach 4.5:1 on the editor's ground. */
const COLOURS = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword, tags.controlKeyword], color: 'var(--accent-text)' },
  { tag: [tags.string, tags.special(tags.string), tags.regexp, tags.character, tags.quote], color: 'var(--good)' },
  { tag: [tags.number, tags.bool, tags.null, tags.atom, tags.unit, tags.color], color: 'var(--warn)' },
  { tag: [tags.comment, tags.meta, tags.processingInstruction, tags.documentMeta], color: 'var(--ink-3)', fontStyle: 'italic' },
  { tag: [tags.propertyName, tags.attributeName, tags.definition(tags.propertyName), tags.definition(tags.variableName), tags.tagName, tags.labelName], color: 'var(--info)' },
  { tag: [tags.heading, tags.strong], fontWeight: '600' },
  { tag: tags.emphasis, fontStyle: 'italic' },
  { tag: [tags.link, tags.url], color: 'var(--info)', textDecoration: 'underline' },
  { tag: tags.invalid, color: 'var(--bad)' },
])
const MONO = "'JetBrains Mono Variable', ui-monospace, 'DejaVu Sans Mono', monospace"
const LOOK = EditorView.theme({
  '&': { height: '100%', color: 'var(--ink)', backgroundColor: 'transparent', fontSize: '0.8125rem' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: MONO, lineHeight: '1.5', overflow: 'auto' },
  '.cm-content': { caretColor: 'var(--ink)', padding: '0.5rem 0' },
  '.cm-gutters': { backgroundColor: 'var(--sunken)', color: 'var(--ink-3)', borderRight: '1px solid var(--line)' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in oklab, var(--hover) 55%, transparent)' },
  '.cm-activeLineGutter': { backgroundColor: 'var(--hover)', color: 'var(--ink)' },
  '.cm-cursor, .cm-dropCursor': { borderLeftColor: 'var(--ink)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { background: 'color-mix(in oklab, var(--accent) 38%, transparent)' },
  '.cm-selectionMatch': { backgroundColor: 'color-mix(in oklab, var(--accent) 22%, transparent)' },
  '&.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--accent-soft)', color: 'inherit', outline: '1px solid var(--line-strong)' },
  '&.cm-focused .cm-nonmatchingBracket': { backgroundColor: 'var(--bad-soft)', color: 'inherit' },
  '.cm-searchMatch': { backgroundColor: 'var(--warn-soft)', outline: '1px solid var(--warn)' },
  '.cm-searchMatch-selected': { backgroundColor: 'var(--accent-soft)' },
  '.cm-specialChar': { color: 'var(--bad)' },
  '.cm-foldPlaceholder': { backgroundColor: 'var(--raised)', border: '1px solid var(--line)', color: 'var(--ink-2)' },
  '.cm-panels': { backgroundColor: 'var(--raised)', color: 'var(--ink)' },
  '.cm-panels.cm-panels-bottom': { borderTop: '1px solid var(--line)' },
  '.cm-panels.cm-panels-top': { borderBottom: '1px solid var(--line)' },
  '.cm-panel.cm-search': { padding: '0.4rem 2rem 0.4rem 0.5rem', fontFamily: 'inherit' },
  '.cm-panel.cm-search label': { fontSize: '0.8125rem', color: 'var(--ink-2)' },
  '.cm-textfield': { backgroundColor: 'var(--sunken)', color: 'var(--ink)', border: '1px solid var(--line-strong)', borderRadius: '0.375rem', padding: '0.2rem 0.4rem', fontSize: '0.8125rem' },
  '.cm-button': { background: 'var(--surface)', color: 'var(--ink)', border: '1px solid var(--line-strong)', borderRadius: '0.375rem', padding: '0.2rem 0.5rem', fontSize: '0.8125rem' },
  '.cm-panel.cm-search [name=close]': { color: 'var(--ink-2)', width: '1.5rem', height: '1.5rem', cursor: 'pointer' },
  '& :focus-visible:not(.cm-content)': { outline: '2px solid var(--accent-text)', outlineOffset: '1px' },
})

/** Letters that are typed on a phone are not to be zoomed to. */
const COARSE = EditorView.theme({ '&': { fontSize: '1rem' } })

export interface Setup {
  text: string
  label: string
  /** Id of what explains its keys, within the same shadow. */
  described: string
  readonly: boolean
  coarse: boolean
  changed: (text: () => string) => void
  save: () => void
}

/** The document of a text: its line ends are kept as they are, each of them. */
export const separatorOf = (text: string): string => (lineEnds(text) === 'windows' ? '\r\n' : '\n')

/** An editor in a shadow of its own: there its styles are sheets of the page, as the content policy wants it, and not elements. */
export function editorIn(shadow: ShadowRoot, parent: HTMLElement, { text, label, described, readonly, coarse, changed, save }: Setup) {
  const language = new Compartment()
  const access = new Compartment()
  const locked = (on: boolean): Extension => (on ? [EditorState.readOnly.of(true), EditorView.contentAttributes.of({ 'aria-readonly': 'true' })] : [])
  const view = new EditorView({
    parent,
    root: shadow,
    state: EditorState.create({
      doc: text,
      extensions: [
        EditorState.lineSeparator.of(separatorOf(text)),
        EditorState.allowMultipleSelections.of(true),
        lineNumbers(), highlightActiveLineGutter(), highlightSpecialChars(), history(), foldGutter(), drawSelection(), indentOnInput(), bracketMatching(),
        highlightActiveLine(), highlightSelectionMatches(), search({ top: true }), syntaxHighlighting(COLOURS), LOOK, coarse ? COARSE : [],
        keymap.of([{ key: 'Mod-s', run: () => (save(), true), preventDefault: true }, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, indentWithTab]),
        EditorView.contentAttributes.of({ 'aria-label': label, 'aria-describedby': described, tabindex: '0', autocapitalize: 'off', autocorrect: 'off', spellcheck: 'false' }),
        EditorView.updateListener.of((update) => update.docChanged && changed(() => update.state.sliceDoc())),
        access.of(locked(readonly)),
        language.of([]),
      ],
    }),
  })
  return {
    view,
    lock: (on: boolean) => view.dispatch({ effects: access.reconfigure(locked(on)) }),
    speak: async (named: Language | null) => {
      const extension = named ? await LANGUAGES[named]() : []
      view.dispatch({ effects: language.reconfigure(extension) })
    },
    /** Puts another text in its place; undone as one step. */
    replace: (next: string) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: view.state.toText(next) } }),
    go: (line: number) => {
      const { from } = view.state.doc.line(Math.min(Math.max(line, 1), view.state.doc.lines))
      view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: 'center' }) })
      view.focus()
    },
  }
}
export type Editor = ReturnType<typeof editorIn>
