"""The same scene drawn by VTK off-screen, for the renderer's benchmark."""

from collections.abc import Callable
from typing import Any

import numpy as np

from perturber.errors import InvalidInputError
from perturber.objects.mesh import MorphPair
from perturber.render.camera import FIELD_OF_VIEW
from perturber.render.shading import AMBIENT, LAMPS


class VtkRenderer:
    """Draws the first object of a pair with three lamps, a mip-mapped texture and Phong interpolation.

    Args:
        pair: what to draw.
        size: side of the picture that is handed out, in pixels.
        supersampling: pixels drawn per pixel handed out, along each axis; they are averaged.
        multisamples: VTK's own anti-aliasing (0 for none).
    """

    def __init__(self, pair: MorphPair, *, size: int = 224, supersampling: int = 1, multisamples: int = 0) -> None:
        try:
            import vtk
        except ImportError as error:
            raise InvalidInputError("VTK is not installed; install the extra: pip install -e '.[bench]'.") from error
        from vtk.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray

        self._vtk = vtk
        self.size, self.supersampling = size, supersampling
        mesh = vtk.vtkPolyData()
        points = vtk.vtkPoints()
        points.SetData(numpy_to_vtk(pair.positions[0], deep=True))
        mesh.SetPoints(points)
        cells = vtk.vtkCellArray()
        packed = np.concatenate((np.full((len(pair.faces), 1), 3), pair.faces), 1).astype(np.int64)
        cells.SetCells(len(pair.faces), numpy_to_vtkIdTypeArray(packed.ravel(), deep=True))
        mesh.SetPolys(cells)
        mesh.GetPointData().SetNormals(numpy_to_vtk(pair.normals[0], deep=True))
        mesh.GetPointData().SetTCoords(numpy_to_vtk(pair.uv, deep=True))
        mapper = vtk.vtkPolyDataMapper()
        mapper.SetInputData(mesh)
        self.actor = vtk.vtkActor()
        self.actor.SetMapper(mapper)
        self.actor.SetTexture(self._texture(pair.textures[0], numpy_to_vtk))
        surface = self.actor.GetProperty()
        surface.SetInterpolationToPhong()
        surface.SetAmbient(AMBIENT)
        surface.SetSpecular(pair.specular[0])
        surface.SetSpecularPower(pair.shininess[0])
        surface.BackfaceCullingOn()
        self._window = self._scene(multisamples)

    def _texture(self, texels: np.ndarray, numpy_to_vtk: Callable[..., Any]) -> Any:
        image = self._vtk.vtkImageData()
        image.SetDimensions(texels.shape[1], texels.shape[0], 1)
        image.GetPointData().SetScalars(numpy_to_vtk(texels[::-1].reshape(-1, 3), deep=True))
        texture = self._vtk.vtkTexture()
        texture.SetInputData(image)
        texture.MipmapOn()
        texture.InterpolateOn()
        return texture

    def _scene(self, multisamples: int) -> Any:
        vtk = self._vtk
        renderer = vtk.vtkRenderer()
        renderer.AddActor(self.actor)
        renderer.AutomaticLightCreationOff()
        for lamp in LAMPS:
            light = vtk.vtkLight()
            light.SetPositional(False)
            light.SetPosition(*lamp.direction)
            light.SetFocalPoint(0, 0, 0)
            light.SetIntensity(lamp.strength)
            renderer.AddLight(light)
        window = vtk.vtkRenderWindow()
        window.SetOffScreenRendering(1)
        window.SetMultiSamples(multisamples)
        window.SetSize(self.size * self.supersampling, self.size * self.supersampling)
        window.AddRenderer(renderer)
        self.camera = renderer.GetActiveCamera()
        self.camera.SetViewAngle(FIELD_OF_VIEW)
        self.camera.SetFocalPoint(0, 0, 0)
        self.camera.SetClippingRange(0.05, 30)
        return window

    def render(self, *, yaw: float, distance: float) -> np.ndarray:
        """One picture: (size, size, 3) uint8."""
        from vtk.util.numpy_support import vtk_to_numpy

        self.actor.SetOrientation(0, yaw, 0)
        self.camera.SetPosition(0, 0, distance)
        self._window.Render()
        side, k = self.size * self.supersampling, self.supersampling
        pixels = self._vtk.vtkUnsignedCharArray()
        self._window.GetPixelData(0, 0, side - 1, side - 1, 1, pixels, 0)
        picture = vtk_to_numpy(pixels).reshape(side, side, 3)[::-1]
        if k == 1:
            return picture
        return (picture.reshape(self.size, k, self.size, k, 3).sum((1, 3), dtype=np.uint16) // k**2).astype(np.uint8)
