// Every page on a desk.
import { accessible } from '../accessible.mjs'

accessible('wide')
