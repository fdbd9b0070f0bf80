import { stretches, type Style } from './ansi'
import { countOf, MAX_PIECES, MAX_SHOWN_CHARS } from './line'
import { spansOf } from './search'
import { visible, walkVisible } from './visible'

/** A piece of a line as it is drawn. */
export interface Piece {
  text: string
  style: Style | null
  /** Stands for something that cannot be shown; says what. */
  about?: string
  /** The words searched for. */
  found?: boolean
  /** A secret was here. */
  masked?: boolean
}

/** A line as drawn, and how many characters were left out. */
export interface Drawn {
  pieces: Piece[]
  cut: number
}

/** Longest part of a neutralised command that is told, characters. */
const MAX_TOLD = 120

/** Cuts, colours, neutralises and marks a line. */
export function draw(line: string, options: { whole?: boolean; pattern?: RegExp | null; mask?: string } = {}): Drawn {
  const { whole = false, pattern = null, mask = '' } = options
  const text = whole || line.length <= MAX_SHOWN_CHARS ? line : line.slice(0, MAX_SHOWN_CHARS)
  const pieces: Piece[] = []
  for (const stretch of stretches(text)) {
    if (pieces.length > MAX_PIECES) {
      pieces.push({ text: visible(stretch.text), style: null })
      continue
    }
    if (stretch.command !== undefined) {
      const told = visible(stretch.command.slice(0, MAX_TOLD))
      pieces.push({ text: 'ESC…', style: null, about: `a command to the terminal, not carried out: ${told}` })
      continue
    }
    walkVisible(
      stretch.text,
      (plain) => pieces.push(...maskedPieces(plain, stretch.style, mask)),
      ({ label, about }) => pieces.push({ text: label, style: null, about }),
    )
  }
  return { pieces: pattern ? pieces.flatMap((piece) => foundPieces(piece, pattern)) : pieces, cut: line.length - text.length }
}

function maskedPieces(text: string, style: Style | null, mask: string): Piece[] {
  if (!mask || countOf(mask, text) === 0) return [{ text, style }]
  const parts = text.split(mask)
  return parts.flatMap((part, at) => [
    ...(part ? [{ text: part, style }] : []),
    ...(at < parts.length - 1 ? [{ text: mask, style: null, masked: true }] : []),
  ])
}

function foundPieces(piece: Piece, pattern: RegExp): Piece[] {
  if (piece.about) return [piece]
  const spans = spansOf(piece.text, pattern)
  if (spans.length === 0) return [piece]
  const out: Piece[] = []
  let from = 0
  for (const [start, end] of spans) {
    if (start > from) out.push({ ...piece, text: piece.text.slice(from, start) })
    out.push({ ...piece, text: piece.text.slice(start, end), found: true })
    from = end
  }
  if (from < piece.text.length) out.push({ ...piece, text: piece.text.slice(from) })
  return out
}
